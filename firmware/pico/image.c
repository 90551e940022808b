/* image.c - nothing: an image is made of libraries, and CMake wants a source. */
