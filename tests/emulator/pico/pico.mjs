// pico.mjs - the emulated tag reader as a process, driven by a test.
//
//   node pico.mjs PARTS ROM WASM FLASH SEED [LINE]
//
// Commands come on standard input, one JSON object a line, each answered by one line; what happens
// meanwhile (lamps, resets, power) is in the answers' "events". LINE is the number of a file
// descriptor: the other end of the UART.
//
//   {"do":"run","ms":N}          run N simulated ms as fast as it goes
//   {"do":"until","line":W,"value":V,"ms":N}   the same until W became V, at most N ms
//   {"do":"pace","on":true}      from now on simulated time follows real time, also between commands;
//                                with "loose":true a machine that lags has its answers at once: its
//                                clock is worth nothing then, but it gets on
//   {"do":"place","uid":"hex","kind":"ntag213","uri":"..."}   {"do":"remove"}
//   {"do":"cut","operation":N,"part":F}   the power fails in the Nth flash operation from now
//   {"do":"cut_at","kind":"erase"|"program","from":N,"to":N,"skip":N,"part":F}   in the first such
//                                operation that changes these bytes, or after skip others; part 1: after it
//   {"do":"off"} {"do":"on","ms":N}       by hand; on after N ms without power
//   {"do":"cable","on":false}    what goes over the UART is lost
//   {"do":"save","file":F}       the flash as it is now
//   {"do":"facts"}               what was counted
import { closeSync, createReadStream, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { makeMachine, TAGS } from './machine.mjs';

const [partsFolder, romFile, wasmFile, flashFile, seed, line] = process.argv.slice(2);
const machine = await makeMachine({
    partsFolder, romFile, wasmFile, flash: readFileSync(flashFile), seed: Number(seed),
});
const LINE = line === undefined ? -1 : Number(line);
const SLICE_NS = 2_000_000;

let events = [];
let hasCable = true;
let toLine = [];
let paceStart = null; // {real, simulated}: when pacing began
let isLoose = false;
let lagSent = 0; // ns by which the last bytes went out late
let lagWorstMs = 0;

machine.watch((what, value, nanos) => events.push([what, value, Math.round(nanos / 1000)]));

if (LINE >= 0) {
    const stream = createReadStream(null, { fd: LINE, autoClose: false });
    // On a busy machine simulated time lags. A request then comes late to the gateway by its clock, and an
    // answer early by ours, as if the line were slow one way. We make it as slow the other way, so that
    // the lag is seen as what it is, a slow line, and not as a clock that is wrong.
    stream.on('data', (bytes) => {
        if (hasCable) {
            machine.uartReceive(bytes, paceStart && !isLoose ? paceTarget() + lagSent : 0);
        }
    });
    stream.on('error', () => closeSync(LINE));
    // A byte goes out when its time on the wire has come.
    machine.onUartByte = (byte, nanos) => toLine.push([byte, nanos]);
}

function flushLine() {
    let count = 0;
    while (count < toLine.length && toLine[count][1] <= machine.nanos) {
        count++;
    }
    if (count > 0) {
        lagSent = paceStart ? Math.max(0, paceTarget() - toLine[count - 1][1]) : 0;
        const bytes = Buffer.from(toLine.splice(0, count).map(([byte]) => byte));
        if (hasCable) {
            writeSync(LINE, bytes);
        }
    }
}

function realNanos() {
    return Number(process.hrtime.bigint());
}

// Unix time, in us, of a simulated instant.
function unixUs(nanos) {
    return paceStart ? paceStart.unixUs + (nanos - paceStart.simulated) / 1000 : null;
}

// The simulated instant that is now.
function paceTarget() {
    return paceStart.simulated + realNanos() - paceStart.real;
}

// While paced: let simulated time catch up with real time, a slice at a time.
function keepPace() {
    if (!paceStart) {
        return;
    }
    const target = paceTarget();
    const lag = target - machine.nanos;
    lagWorstMs = Math.max(lagWorstMs, lag / 1e6);
    if (machine.isOn) {
        machine.runUntil(Math.min(target, machine.nanos + SLICE_NS));
    } else {
        machine.wait(Math.max(0, target - machine.nanos));
    }
    flushLine();
    if (machine.nanos < target - SLICE_NS) {
        setImmediate(keepPace);
    } else {
        setTimeout(keepPace, 1);
    }
}

function runFor(ms, isDone = () => false) {
    const end = machine.nanos + ms * 1e6;
    while (machine.nanos < end && machine.isOn && !machine.stopped && !isDone()) {
        machine.runUntil(Math.min(end, machine.nanos + SLICE_NS));
        flushLine();
    }
    machine.stopped = false;
    return isDone();
}

// Where the core executes from flash, or did last: boards/pico-reader.h.
let lastSlot = 'none';
function runningSlot() {
    if (machine.isOn) {
        const vectors = machine.mcu.core.VTOR ?? 0;
        const origin = machine.mcu.readUint32(vectors + 4);
        lastSlot = origin >= 0x10088000 ? 'b' : origin >= 0x10010000 ? 'a' : 'loader';
    }
    return lastSlot;
}

const commands = {
    run: ({ ms }) => runFor(ms),
    until: ({ line: what, value, ms }) => {
        const from = events.length;
        return runFor(ms, () => events.slice(from).some(([w, v]) => w === what && v === value));
    },
    pace: ({ on, loose = false }) => {
        isLoose = loose;
        const isNew = on && !paceStart;
        paceStart = on ? {
            real: realNanos(), simulated: machine.nanos, unixUs: Date.now() * 1000,
        } : null;
        if (isNew) {
            keepPace();
        }
        return true;
    },
    place: ({ uid, kind = 'ntag213', uri = '' }) => {
        machine.pn532.place(TAGS[kind], Buffer.from(uid, 'hex'), uri);
        return machine.nanos / 1000;
    },
    remove: () => machine.pn532.remove(),
    quiet: () => machine.pn532.exports.emu_no_jitter(),
    cut: ({ operation, part }) => {
        machine.cut = { operation: machine.flashOperations + operation, part };
        return true;
    },
    cut_at: ({ kind, from, to, skip = 0, part }) => {
        machine.cut = { kind, from, to, skip, part };
        return true;
    },
    off: () => machine.isOn && machine.powerOff(),
    on: ({ ms = 0 }) => {
        if (!machine.isOn) {
            machine.wait(ms * 1e6);
            machine.powerOn();
        }
        return true;
    },
    cable: ({ on }) => {
        hasCable = on;
        return true;
    },
    save: ({ file }) => {
        if (machine.isOn) {
            machine.keepFlash();
        }
        writeFileSync(file, machine.flash);
        return true;
    },
    facts: () => ({
        boots: machine.boots, flash_operations: machine.flashOperations, busy_us: machine.busyNs / 1000,
        erases: [...machine.erases], is_on: machine.isOn, lines: machine.lines, lag_worst_ms: lagWorstMs,
        uart_lost: machine.uartLost || 0, trouble: machine.trouble || null,
        slot: runningSlot(), cut_waits: machine.cut !== null,
        stack: machine.isOn ? machine.stackUsed(0x20030000, 0x20042000) : null,
        timing: [0, 1, 2, 3, 4, 5].map((i) => machine.pn532.exports.emu_timing(i)),
    }),
};

createInterface({ input: process.stdin }).on('line', (line) => {
    const command = JSON.parse(line);
    let result = null;
    let error = null;
    try {
        result = commands[command.do](command) ?? null;
    } catch (caught) {
        error = String(caught.stack || caught);
    }
    const answer = { result, error, us: Math.round(machine.nanos / 1000), unix_us: unixUs(machine.nanos), events };
    events = [];
    process.stdout.write(`${JSON.stringify(answer)}\n`);
}).on('close', () => process.exit(0));
