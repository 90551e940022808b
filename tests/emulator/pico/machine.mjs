// machine.mjs - a Pico with a PN532, in simulated time, whose power can fail at any byte of a flash
// operation.
//
// rp2040js runs the core and its peripherals. What it does not model is here: programming and erasing
// flash (breakpoints in our boot ROM, rom.S), resets that keep what they must, the ring oscillator's
// random bit, the time that bytes need on the UART. The PN532 is hal/fake's (pn532_wasm.c).
//
// All times are nanoseconds since the machine was made; they go on through resets and power cuts.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const FLASH_SIZE = 2 * 1024 * 1024;
const SECTOR = 4096;
const PAGE = 256;
const ERASE_NS = 45_000_000; // of a sector: W25Q16JV data sheet 9.6, typical
const PROGRAM_NS = 700_000; // of a page; the data sheet says 400 us, most chips take longer
const CYCLE_NS = 8; // 125 MHz
const BATCH = 16; // instructions between two looks at the clock
const UNUSED = 0xa5; // what the memory holds at power-on: shows how deep the stack went

// GP numbers: boards/pico-reader.h
export const PINS = { cs: 17, irq: 20, reset: 21, green: 10, amber: 11, red: 12, buzzer: 13 };
export const TAGS = { ultralight: 0, ntag213: 1, ntag215: 2, ntag216: 3, type4: 4, ntag424: 5, classic: 6 };

export async function loadParts(folder) {
    const url = pathToFileURL(path.join(folder, 'rp2040js', 'dist', 'esm', 'index.js'));
    return import(url).catch(() => createRequire(import.meta.url)(
        path.join(folder, 'rp2040js', 'dist', 'cjs', 'index.js')));
}

// A small generator of its own, so that a test with the same seed runs the same way (mulberry32).
export function random(seed) {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let t = Math.imul(state ^ (state >>> 15), state | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}

class Pn532 {
    constructor(module, machine) {
        this.machine = machine;
        this.exports = new WebAssembly.Instance(module, {
            host: { clock_us: () => Math.floor(machine.nanos / 1000) },
        }).exports;
        this.buffer = this.exports.emu_buffer();
    }

    bytes() {
        return new Uint8Array(this.exports.memory.buffer, this.buffer, 1024);
    }

    powerOn(seed) {
        this.exports.emu_start(seed);
        this.selected = false;
    }

    place(kind, uid, uri = '', isRandom = false) {
        const bytes = this.bytes();
        bytes.set(uid, 0);
        bytes.set(new TextEncoder().encode(uri + '\0'), uid.length);
        if (this.exports.emu_place(kind, uid.length, isRandom ? 1 : 0) !== 0) {
            throw new Error('this tag cannot be laid down');
        }
        this.machine.lookAtPn532();
    }

    remove() {
        this.exports.emu_remove();
        this.machine.lookAtPn532();
    }

    select(isLow) {
        if (isLow && !this.selected) {
            this.selected = true;
            this.since = this.machine.nanos;
            this.command = -1;
            this.written = [];
            this.isRead = false;
        } else if (!isLow && this.selected) {
            this.selected = false;
            if (this.command === 0x01) {
                this.bytes().set(this.written, 0);
                this.exports.emu_exchange(this.written.length, this.heldUs);
            }
            this.machine.lookAtPn532();
        }
    }

    // One byte of a chip-select period. A frame that was written is taken when chip select rises;
    // what is read is read byte by byte, and ends with the frame it began with.
    exchange(byte) {
        if (!this.selected) {
            return 0xff;
        }
        if (this.command < 0) {
            this.command = byte;
            this.heldUs = Math.floor((this.machine.nanos - this.since) / 1000);
            this.written.push(byte);
            this.bytes()[0] = byte;
            if (byte !== 0x01) {
                this.exports.emu_exchange(1, this.heldUs);
                this.isRead = byte === 0x03 && !this.exports.emu_has_frame();
            }
            return byte === 0x01 ? 0 : this.bytes()[0];
        }
        if (this.command === 0x01) {
            this.written.push(byte);
            return 0;
        }
        if (this.isRead) {
            return 0;
        }
        const bytes = this.bytes();
        bytes[0] = this.command;
        bytes[1] = byte;
        this.exports.emu_exchange(2, 0);
        this.isRead = this.command === 0x03 && !this.exports.emu_has_frame();
        return this.bytes()[1];
    }
}

function reverseBits(byte) {
    let reversed = 0;
    for (let bit = 0; bit < 8; bit++) {
        reversed |= ((byte >> bit) & 1) << (7 - bit);
    }
    return reversed;
}

export class Machine {
    // parts: loadParts(); rom, flash: bytes; wasm: a WebAssembly.Module; seed: of all chance.
    constructor({ parts, rom, flash, wasm, seed = 1 }) {
        this.parts = parts;
        this.rom = rom;
        this.flash = new Uint8Array(FLASH_SIZE).fill(0xff);
        this.flash.set(flash.subarray(0, FLASH_SIZE));
        this.random = random(seed);
        this.base = 0; // nanoseconds of the boots before this one
        this.boots = 0;
        this.flashOperations = 0;
        this.erases = new Map();
        this.cut = null; // power fails in a flash operation, see isCutIn(), after that part of it
        this.isOn = false;
        this.watchers = []; // called with (what, value, nanos)
        this.lines = {};
        this.busyNs = 0; // time the core did not wait for an event
        this.pn532 = new Pn532(wasm, this);
        this.onUartByte = () => {};
        this.powerOn();
    }

    get nanos() {
        return this.base + (this.mcu ? this.clock.nanos : 0);
    }

    watch(callback) {
        this.watchers.push(callback);
    }

    tell(what, value) {
        this.lines[what] = value;
        for (const watcher of this.watchers) {
            watcher(what, value, this.nanos);
        }
    }

    powerOn() {
        this.pn532.powerOn(1 + Math.floor(this.random() * 1e9));
        this.sram = null;
        this.start(new Array(8).fill(0), 0);
        this.isOn = true;
        this.tell('power', true);
    }

    // Everything but flash is lost; nothing runs until powerOn().
    powerOff() {
        this.keepFlash();
        this.base = this.nanos;
        this.mcu = null;
        this.isOn = false;
        this.tell('power', false);
    }

    // Time passes while the power is off.
    wait(nanos) {
        if (this.isOn) {
            throw new Error('the power is on');
        }
        this.base += nanos;
    }

    keepFlash() {
        this.flash.set(this.mcu.flash.subarray(0, FLASH_SIZE));
    }

    start(scratch, reason) {
        const { Simulator, ConsoleLogger, LogLevel } = this.parts;
        const simulator = new Simulator();
        this.clock = simulator.clock;
        this.mcu = simulator.rp2040;
        this.mcu.logger = new ConsoleLogger(LogLevel.Error, false);
        this.mcu.loadBootrom(new Uint32Array(this.rom.buffer, this.rom.byteOffset, this.rom.length / 4));
        this.mcu.flash.set(this.flash);
        if (this.sram) {
            this.mcu.sram.set(this.sram);
        } else {
            this.mcu.sram.fill(UNUSED);
        }
        this.mcu.onBreak = (code) => this.onBreak(code);
        this.boots++;
        this.wanted = null;
        this.connectWatchdog(scratch, reason);
        this.connectLines();
        this.connectUart();
        this.connectChance();
        this.lookAtPn532();
    }

    connectWatchdog(scratch, reason) {
        const watchdog = this.mcu.peripherals[0x40058];
        watchdog.scratchData.set(scratch);
        watchdog.reason = reason;
        watchdog.onWatchdogTrigger = () => {
            watchdog.alarm.enable = false;
            watchdog.timer.enable = false;
            this.wanted = { scratch: Array.from(watchdog.scratchData), reason: watchdog.reason };
        };
    }

    connectLines() {
        const { gpio, spi } = this.mcu;
        const { GPIOPinState } = this.parts;
        gpio[PINS.cs].addListener((state) => this.pn532.select(state === GPIOPinState.Low));
        gpio[PINS.reset].addListener((state) => {
            if (state === GPIOPinState.Low || state === GPIOPinState.High) {
                this.pn532.exports.emu_reset(state === GPIOPinState.High ? 1 : 0);
                this.lookAtPn532();
            }
        });
        for (const lamp of ['green', 'amber', 'red']) {
            gpio[PINS[lamp]].addListener((state) => this.tell(lamp, state === GPIOPinState.High));
        }
        spi[0].onTransmit = (value) => {
            const answer = reverseBits(this.pn532.exchange(reverseBits(value)));
            const alarm = this.clock.createAlarm(() => spi[0].completeTransmit(answer));
            alarm.schedule(8e9 / (spi[0].clockFrequency || 1e6));
        };
        this.irqAlarm = this.clock.createAlarm(() => this.lookAtPn532());
    }

    // The IRQ line as the chip drives it now, and again when that changes by itself.
    lookAtPn532() {
        if (!this.mcu) {
            return;
        }
        this.mcu.gpio[PINS.irq].setInputValue(this.pn532.exports.emu_irq() !== 0);
        const nextUs = this.pn532.exports.emu_next_us();
        const delay = nextUs * 1000 - this.nanos;
        if (nextUs >= 0 && delay > 0) {
            this.irqAlarm.schedule(delay + 1000);
        }
    }

    connectUart() {
        const uart = this.mcu.uart[0];
        this.sent = 0;
        this.received = 0;
        this.rxQueue = [];
        this.rxAlarm = this.clock.createAlarm(() => this.feedUart());
        uart.onByte = (byte) => {
            // The wire is slower than rp2040js: a byte has arrived when it has been clocked out.
            this.sent = Math.max(this.sent, this.clock.nanos) + this.byteNs();
            this.onUartByte(byte, this.base + this.sent);
        };
    }

    byteNs() {
        return 1e10 / (this.mcu.uart[0].baudRate || 115200);
    }

    // Bytes from the other side, which follow each other as on a wire, the first not before nanos.
    uartReceive(bytes, nanos = 0) {
        if (!this.mcu) {
            return;
        }
        for (const byte of bytes) {
            this.rxQueue.push({ byte, nanos: nanos - this.base });
        }
        if (this.rxQueue.length === bytes.length) {
            this.waitForByte();
        }
    }

    waitForByte() {
        if (this.rxQueue.length > 0) {
            this.rxAlarm.schedule(Math.max(this.byteNs(), this.rxQueue[0].nanos - this.clock.nanos));
        }
    }

    feedUart() {
        const uart = this.mcu.uart[0];
        const { byte } = this.rxQueue.shift();
        if (uart.enabled && !uart.rxFIFO.full) {
            uart.feedByte(byte);
        } else {
            this.uartLost = (this.uartLost || 0) + 1;
        }
        this.waitForByte();
    }

    // The ring oscillator is always stable; its random bit is the machine's chance.
    connectChance() {
        const rosc = this.mcu.peripherals[0x40060];
        const read = rosc.readUint32.bind(rosc);
        rosc.readUint32 = (offset) => {
            switch (offset) {
            case 0x18: return 0x80001000; // STATUS
            case 0x1c: return this.random() < 0.5 ? 0 : 1; // RANDOMBIT
            default: return read(offset);
            }
        };
        rosc.writeUint32 = () => {};
    }

    onBreak(code) {
        const { registers } = this.mcu.core;
        switch (code) {
        case 3:
            this.eraseFlash(registers[0], registers[1]);
            break;
        case 4:
            this.programFlash(registers[0], registers[1], registers[2]);
            break;
        default:
            this.trouble = { code, pc: this.mcu.core.PC, lr: this.mcu.core.LR };
            this.stopped = true;
            this.tell('trap', code);
        }
    }

    // Whether the power fails in this operation: by its number, {operation, part}; or by what it does
    // and where, {kind, from, to, skip, part}: skip such operations are let through before. Programming
    // what is there already does not count. part 1 is right after it.
    isCutIn(kind, at, size, source) {
        const { cut } = this;
        this.flashOperations++;
        if (cut === null) {
            return false;
        }
        if (cut.operation !== undefined) {
            return this.flashOperations >= cut.operation;
        }
        return kind === cut.kind && at < cut.to && at + size > cut.from &&
            (kind === 'erase' || this.changes(at, source)) && cut.skip-- === 0;
    }

    changes(at, source) {
        for (let i = 0; i < PAGE; i++) {
            const now = this.mcu.flash[at + i];
            if ((now & this.mcu.readUint8(source + i)) !== now) {
                return true;
            }
        }
        return false;
    }

    eraseFlash(offset, size) {
        for (let at = offset; at < offset + size; at += SECTOR) {
            const isCut = this.isCutIn('erase', at, SECTOR);
            const sector = this.mcu.flash.subarray(at, at + SECTOR);
            if (isCut && this.cut.part < 1) {
                // Cells lose their charge all over the sector, at different speed.
                for (let i = 0; i < SECTOR; i++) {
                    sector[i] |= Math.floor(this.random() * 256) & (this.random() < this.cut.part ? 255 : 0);
                }
                return this.failPower(ERASE_NS * this.cut.part);
            }
            sector.fill(0xff);
            this.erases.set(at, (this.erases.get(at) || 0) + 1);
            if (isCut) {
                return this.failPower(ERASE_NS);
            }
            this.clock.tick(ERASE_NS);
        }
    }

    programFlash(offset, source, size) {
        for (let at = offset; at < offset + size; at += PAGE) {
            const isCut = this.isCutIn('program', at, PAGE, source + at - offset);
            const done = isCut ? Math.floor(this.cut.part * PAGE) : PAGE;
            for (let i = 0; i < done; i++) {
                this.mcu.flash[at + i] &= this.mcu.readUint8(source + at - offset + i);
            }
            if (isCut) {
                if (done < PAGE) {
                    const byte = this.mcu.readUint8(source + at - offset + done);
                    this.mcu.flash[at + done] &= byte | Math.floor(this.random() * 256);
                }
                return this.failPower(PROGRAM_NS * this.cut.part);
            }
            this.clock.tick(PROGRAM_NS);
        }
    }

    failPower(afterNs) {
        this.cut = null;
        this.clock.tick(afterNs);
        this.wanted = { powerOff: true };
    }

    // Run until simulated time has come, the power failed, or something is wrong.
    runUntil(nanos) {
        this.stopped = false;
        while (this.isOn && !this.stopped && this.nanos < nanos) {
            this.runBoot(nanos - this.base);
            const wanted = this.wanted;
            if (wanted?.powerOff) {
                this.powerOff();
            } else if (wanted) {
                this.keepFlash();
                this.sram = this.mcu.sram.slice();
                this.base = this.nanos;
                this.mcu = null;
                this.start(wanted.scratch, wanted.reason);
                this.tell('reset', wanted.reason);
            }
        }
    }

    // One boot, to its end or the end of time.
    runBoot(until) {
        const { clock } = this;
        const { core } = this.mcu;
        while (clock.nanos < until && this.wanted === null && !this.stopped) {
            if (core.waiting) {
                clock.tick(Math.min(Math.max(clock.nanosToNextAlarm, 8), until - clock.nanos));
            } else {
                // A few at once: the clock costs more than an instruction does.
                let cycles = 0;
                for (let i = 0; i < BATCH && !core.waiting && this.wanted === null; i++) {
                    cycles += core.executeInstruction();
                }
                clock.tick(cycles * CYCLE_NS);
                this.busyNs += cycles * CYCLE_NS;
            }
        }
    }

    // How many bytes of memory below top were ever used, where they were never written otherwise.
    stackUsed(bottom, top) {
        const { sram } = this.mcu;
        let at = bottom - 0x20000000;
        while (at < top - 0x20000000 && sram[at] === UNUSED) {
            at++;
        }
        return top - 0x20000000 - at;
    }
}

// A machine as the tests want it: files are read, everything else is given.
export async function makeMachine({ partsFolder, romFile, wasmFile, flash, seed }) {
    const rom = new Uint8Array(16384);
    rom.set(readFileSync(romFile));
    return new Machine({
        parts: await loadParts(partsFolder), rom, flash, seed,
        wasm: new WebAssembly.Module(readFileSync(wasmFile)),
    });
}
