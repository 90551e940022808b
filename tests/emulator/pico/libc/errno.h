/* errno.h - for WebAssembly, where nobody has one: Linux's numbers of the few that are used. */
#define ENOENT 2
#define EIO 5
#define EAGAIN 11
#define ENODEV 19
#define EINVAL 22
#define ENOSPC 28
#define EBADMSG 74
#define EMSGSIZE 90
