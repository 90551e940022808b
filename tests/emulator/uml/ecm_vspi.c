// SPDX-License-Identifier: GPL-2.0-only
/*
 * ecm_vspi.c - an SPI controller for User-Mode Linux whose one device is a process.
 *
 * A kernel module, and the only file here under the GPL: it links with the kernel. It makes bus 0
 * with the modes and word sizes of a Raspberry Pi's controller, so that the kernel's real spidev
 * refuses and accepts what it does there. See ecm_vspi.h for the other side.
 *
 * One transfer at a time is on its way: idle -> offered (transfer_one) -> taken (read) -> done
 * (write) -> idle. The SPI core never starts two on one controller.
 */
#include "ecm_vspi.h"

#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/spi/spi.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

enum { ANSWER_TIMEOUT_S = 5, SPEED_MIN_HZ = 3814, SPEED_MAX_HZ = 125000000 };

enum vspi_state { VSPI_IDLE, VSPI_OFFERED, VSPI_TAKEN, VSPI_DONE };

struct vspi {
    struct spi_controller *controller;
    struct mutex lock; /* around all below, but selected_at and is_first: the SPI core's turn */
    wait_queue_head_t changed;
    enum vspi_state state;
    bool is_served;
    struct ecm_vspi_request request;
    u8 bytes[ECM_VSPI_BYTES_MAX]; /* the host's, until the answer replaces them */
    ktime_t selected_at;
    bool is_first;
};

static struct platform_device *vspi_platform;
static struct vspi *the_vspi;

/* --- the bus --- */

static void vspi_set_cs(struct spi_device *device, bool level)
{
    struct vspi *vspi = spi_controller_get_devdata(device->controller);

    if (!level) {
        vspi->selected_at = ktime_get();
        vspi->is_first = true;
    }
}

/* 1 when there is somebody to answer. */
static int vspi_offer(struct vspi *vspi, const struct spi_transfer *transfer, ktime_t now)
{
    int is_served;

    mutex_lock(&vspi->lock);
    is_served = vspi->is_served;
    if (is_served) {
        vspi->request = (struct ecm_vspi_request){
            .size = transfer->len,
            .select_us = (u32)ktime_us_delta(now, vspi->selected_at),
            .speed_hz = transfer->speed_hz,
            .is_first = vspi->is_first,
        };
        if (transfer->tx_buf)
            memcpy(vspi->bytes, transfer->tx_buf, transfer->len);
        else
            memset(vspi->bytes, 0, transfer->len);
        vspi->state = VSPI_OFFERED;
    }
    mutex_unlock(&vspi->lock);
    wake_up_all(&vspi->changed);
    return is_served;
}

static bool vspi_is_over(struct vspi *vspi)
{
    enum vspi_state state = READ_ONCE(vspi->state);

    return state == VSPI_DONE || state == VSPI_IDLE;
}

static void vspi_keep_wire_time(const struct spi_transfer *transfer, ktime_t begin)
{
    s64 wire_us = div_u64((u64)transfer->len * 8 * USEC_PER_SEC, transfer->speed_hz);
    s64 left_us = wire_us - ktime_us_delta(ktime_get(), begin);

    if (left_us > 0)
        usleep_range((unsigned long)left_us, (unsigned long)left_us + 50);
}

static int vspi_transfer_one(
    struct spi_controller *controller, struct spi_device *device, struct spi_transfer *transfer)
{
    struct vspi *vspi = spi_controller_get_devdata(controller);
    ktime_t begin = ktime_get();
    int rc = 0;

    if (!vspi_offer(vspi, transfer, begin)) {
        if (transfer->rx_buf)
            memset(transfer->rx_buf, 0xFF, transfer->len);
        return 0;
    }
    vspi->is_first = false;
    wait_event_timeout(vspi->changed, vspi_is_over(vspi), ANSWER_TIMEOUT_S * HZ);
    mutex_lock(&vspi->lock);
    if (vspi->state != VSPI_DONE)
        rc = -EIO;
    else if (transfer->rx_buf)
        memcpy(transfer->rx_buf, vspi->bytes, transfer->len);
    vspi->state = VSPI_IDLE;
    mutex_unlock(&vspi->lock);
    vspi_keep_wire_time(transfer, begin);
    return rc;
}

static size_t vspi_size_max(struct spi_device *device)
{
    return ECM_VSPI_BYTES_MAX;
}

/* --- the process --- */

static int vspi_open(struct inode *inode, struct file *file)
{
    struct vspi *vspi = the_vspi;
    int rc = 0;

    mutex_lock(&vspi->lock);
    if (vspi->is_served)
        rc = -EBUSY;
    vspi->is_served = true;
    mutex_unlock(&vspi->lock);
    file->private_data = vspi;
    return rc;
}

static int vspi_release(struct inode *inode, struct file *file)
{
    struct vspi *vspi = file->private_data;

    mutex_lock(&vspi->lock);
    vspi->is_served = false;
    vspi->state = VSPI_IDLE; /* a transfer that is on its way fails */
    mutex_unlock(&vspi->lock);
    wake_up_all(&vspi->changed);
    return 0;
}

/* Copy the request that is offered. */
static ssize_t vspi_take(struct vspi *vspi, char __user *buffer, size_t capacity)
{
    const size_t head = sizeof vspi->request;
    size_t size = vspi->request.size;

    if (vspi->state != VSPI_OFFERED)
        return -EAGAIN;
    if (capacity < head + size)
        return -EMSGSIZE;
    if (copy_to_user(buffer, &vspi->request, head) ||
        copy_to_user(buffer + head, vspi->bytes, size))
        return -EFAULT;
    vspi->state = VSPI_TAKEN;
    return head + size;
}

static ssize_t vspi_read(struct file *file, char __user *buffer, size_t capacity, loff_t *offset)
{
    struct vspi *vspi = file->private_data;
    ssize_t rc;

    for (;;) {
        mutex_lock(&vspi->lock);
        rc = vspi_take(vspi, buffer, capacity);
        mutex_unlock(&vspi->lock);
        if (rc != -EAGAIN || (file->f_flags & O_NONBLOCK))
            return rc;
        if (wait_event_interruptible(vspi->changed, READ_ONCE(vspi->state) == VSPI_OFFERED))
            return -ERESTARTSYS;
    }
}

static ssize_t vspi_write(struct file *file, const char __user *buffer, size_t size, loff_t *offset)
{
    struct vspi *vspi = file->private_data;
    ssize_t rc = size;

    mutex_lock(&vspi->lock);
    if (vspi->state != VSPI_TAKEN || size != vspi->request.size)
        rc = -EINVAL;
    else if (copy_from_user(vspi->bytes, buffer, size))
        rc = -EFAULT;
    else
        vspi->state = VSPI_DONE;
    mutex_unlock(&vspi->lock);
    wake_up_all(&vspi->changed);
    return rc;
}

static __poll_t vspi_poll(struct file *file, poll_table *table)
{
    struct vspi *vspi = file->private_data;

    poll_wait(file, &vspi->changed, table);
    return READ_ONCE(vspi->state) == VSPI_OFFERED ? EPOLLIN | EPOLLRDNORM : 0;
}

static const struct file_operations vspi_operations = {
    .owner = THIS_MODULE,
    .open = vspi_open,
    .release = vspi_release,
    .read = vspi_read,
    .write = vspi_write,
    .poll = vspi_poll,
};

static struct miscdevice vspi_misc = {
    .minor = MISC_DYNAMIC_MINOR,
    .name = ECM_VSPI_NAME,
    .fops = &vspi_operations,
};

/* --- from insmod to rmmod --- */

static struct spi_board_info vspi_device = {
    .modalias = "pn532",
    .max_speed_hz = SPEED_MAX_HZ,
    .bus_num = 0,
    .chip_select = 0,
};

/* What spi-bcm2835 says of itself, without DMA. No SPI_LSB_FIRST: it has none either. */
static struct spi_controller *vspi_make_controller(struct device *parent)
{
    struct spi_controller *controller = __spi_alloc_controller(parent, sizeof(struct vspi), false);
    struct vspi *vspi;

    if (!controller)
        return NULL;
    controller->bus_num = 0;
    controller->num_chipselect = 1;
    controller->mode_bits = SPI_CPOL | SPI_CPHA | SPI_CS_HIGH | SPI_NO_CS | SPI_3WIRE;
    controller->bits_per_word_mask = SPI_BPW_MASK(8);
    controller->min_speed_hz = SPEED_MIN_HZ;
    controller->max_speed_hz = SPEED_MAX_HZ;
    controller->set_cs = vspi_set_cs;
    controller->transfer_one = vspi_transfer_one;
    controller->max_transfer_size = vspi_size_max;
    vspi = spi_controller_get_devdata(controller);
    vspi->controller = controller;
    mutex_init(&vspi->lock);
    init_waitqueue_head(&vspi->changed);
    return controller;
}

static int __init vspi_init(void)
{
    struct spi_controller *controller;
    int rc;

    vspi_platform = platform_device_register_simple(ECM_VSPI_NAME, -1, NULL, 0);
    if (IS_ERR(vspi_platform))
        return PTR_ERR(vspi_platform);
    rc = -ENOMEM;
    controller = vspi_make_controller(&vspi_platform->dev);
    if (!controller)
        goto out_platform;
    rc = spi_register_controller(controller);
    if (rc) {
        spi_controller_put(controller);
        goto out_platform;
    }
    the_vspi = spi_controller_get_devdata(controller);
    rc = misc_register(&vspi_misc);
    if (rc)
        goto out_controller;
    rc = -ENODEV;
    if (!spi_new_device(controller, &vspi_device))
        goto out_misc;
    return 0;

out_misc:
    misc_deregister(&vspi_misc);
out_controller:
    spi_unregister_controller(controller);
out_platform:
    platform_device_unregister(vspi_platform);
    return rc;
}

static void __exit vspi_exit(void)
{
    misc_deregister(&vspi_misc);
    spi_unregister_controller(the_vspi->controller);
    platform_device_unregister(vspi_platform);
}

module_init(vspi_init);
module_exit(vspi_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Virtual SPI controller whose device is a user process");
