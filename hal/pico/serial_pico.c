/*
 * serial_pico.c - a ring between the UART's interrupt and its reader.
 */
#include "hal/pico/serial_pico.h"

#include <hardware/gpio.h>
#include <hardware/irq.h>
#include <hardware/uart.h>
#include <pico/time.h>

#include "hal/gpio.h"

static struct serial_pico *receiver; /* an interrupt has no argument */

static void on_receive(void)
{
    while (uart_is_readable(uart0)) {
        uint8_t byte = (uint8_t)uart_get_hw(uart0)->dr;

        if (receiver->head - receiver->tail < SERIAL_PICO_RING) {
            receiver->ring[receiver->head % SERIAL_PICO_RING] = byte;
            receiver->head++;
            receiver->zeros += byte == 0;
        } else {
            receiver->dropped++;
        }
    }
}

static int read_bytes(struct hal_serial *base, uint8_t *bytes, size_t size, uint64_t timeout_us)
{
    struct serial_pico *port = (struct serial_pico *)base;
    absolute_time_t end = make_timeout_time_us(timeout_us);
    bool is_late = timeout_us == 0;
    size_t done = 0;

    while (port->head == port->tail && !is_late) {
        is_late = best_effort_wfe_or_timeout(end);
    }
    port->zeros_taken = port->zeros; /* before the bytes: one that comes now wakes us once more */
    while (done < size && port->head != port->tail) {
        bytes[done] = port->ring[port->tail % SERIAL_PICO_RING];
        port->tail++;
        done++;
    }
    return (int)done;
}

static int write_bytes(struct hal_serial *base, const uint8_t *bytes, size_t size)
{
    (void)base;
    uart_write_blocking(uart0, bytes, size);
    return 0;
}

static int flush_bytes(struct hal_serial *base)
{
    struct serial_pico *port = (struct serial_pico *)base;

    port->tail = port->head;
    return 0;
}

static int no_fd(struct hal_serial *base)
{
    (void)base;
    return HAL_GPIO_TOLD;
}

static const struct hal_serial_ops serial_pico_ops = {
    .read = read_bytes, .write = write_bytes, .flush = flush_bytes, .fd = no_fd};

void serial_pico_init(struct serial_pico *port, unsigned tx, unsigned rx, unsigned baud)
{
    *port = (struct serial_pico){.serial = {.ops = &serial_pico_ops}};
    receiver = port;
    (void)uart_init(uart0, baud);
    gpio_set_function(tx, GPIO_FUNC_UART);
    gpio_set_function(rx, GPIO_FUNC_UART);
    gpio_pull_up(rx); /* a cable that is out is a quiet one */
    irq_set_exclusive_handler(UART0_IRQ, on_receive);
    irq_set_enabled(UART0_IRQ, true);
    uart_set_irqs_enabled(uart0, true, false);
}

bool serial_pico_has_frame(const struct serial_pico *port)
{
    return port->zeros != port->zeros_taken || port->head - port->tail > SERIAL_PICO_RING / 2;
}
