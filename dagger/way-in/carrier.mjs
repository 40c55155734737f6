/**
 * Many connections over one, for both halves of the way in. Each of them has a number and a window of its own, so that one that nobody
 * reads holds little and stops no other; an end is passed on as an end, and what breaks as a break.
 *
 * It is no HTTP/2 since Node's has an endless loop that takes all memory of the machine: nghttp2_session_mem_send asks for the data of a
 * stream that is gone, gets neither data nor an end, and sends an empty frame, again and again (Node 22.23 with nghttp2 1.69). A
 * hundred clients that go away at any time make that happen within a minute.
 */

/** Kind, number of the connection, length of what follows. */
const HEAD = 9;
const OPEN = 1;
const DATA = 2;
const END = 3;
const BREAK = 4;
const CREDIT = 5;
const PING = 6;

/** Bytes in a frame, and bytes of a connection that are on the way or wait for its receiver. */
const FRAME = 16 * 1024;
const WINDOW = 128 * 1024;

/** Connections at a time; more are broken off at once. */
export const MAX_CONNECTIONS = 2_000;

/** A connection of which one side has ended and the other is silent for this long is over, in ms. */
const HALF_CLOSED = 60_000;

/** Each half says something every third of this; a carrier that is silent for longer is of no use any more, in ms. */
export const SILENCE = 30_000;

/** @typedef {{ socket: import("node:net").Socket, credit: number, ended: boolean, theirsEnded: boolean }} Carried */

/** Ends a socket so that its other side sees that something broke. @param {import("node:net").Socket} socket */
export function breakOff(socket) {
  // Node leaves a socket open for ever when it is reset before it is connected or while its end is being sent.
  if (socket.connecting || socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/**
 * @param {import("node:net").Socket} wire between the halves; when it closes, all that it carries is broken off
 * @param {{ accept?: (port: number) => import("node:net").Socket | undefined, heard?: () => void, silence?: number }} [options]
 *   `accept` gives what a connection to that port leads to, or refuses it; `heard` is called for each frame
 * @returns {(socket: import("node:net").Socket, port: number) => void} carries a connection to a port of the other half
 */
export function carry(wire, { accept = () => undefined, heard = () => {}, silence = SILENCE } = {}) {
  /** @type {Map<number, Carried>} */
  const carried = new Map();
  let last = 0;

  /** @param {number} kind @param {number} number @param {Buffer} [body] */
  function send(kind, number, body) {
    const head = Buffer.alloc(HEAD);
    head.writeUInt8(kind);
    head.writeUInt32BE(number, 1);
    head.writeUInt32BE(body?.length ?? 0, 5);
    wire.cork();
    wire.write(head);
    if (body) wire.write(body);
    wire.uncork();
  }

  /** @param {number} value */
  const word = (value) => {
    const body = Buffer.alloc(4);
    body.writeUInt32BE(value);
    return body;
  };

  /** @param {Carried} connection */
  const flow = ({ socket, credit }) => (credit > 0 && !wire.writableNeedDrain ? socket.resume() : socket.pause());

  /** @param {number} number @param {import("node:net").Socket} socket */
  function add(number, socket) {
    /** @type {Carried} */
    const connection = { socket, credit: WINDOW, ended: false, theirsEnded: false };
    carried.set(number, connection);
    socket.setNoDelay(true).setKeepAlive(true, 60_000);
    socket.on("data", (data) => {
      for (let at = 0; at < data.length; at += FRAME) send(DATA, number, data.subarray(at, at + FRAME));
      connection.credit -= data.length;
      flow(connection);
    });
    socket.on("end", () => {
      connection.ended = true;
      socket.setTimeout(HALF_CLOSED);
      if (carried.has(number)) send(END, number);
    });
    socket.on("error", () => undefined).on("timeout", () => socket.destroy());
    socket.on("close", () => {
      if (carried.delete(number) && !(connection.ended && connection.theirsEnded)) send(BREAK, number);
    });
  }

  /** @param {number} kind @param {number} number @param {Buffer} body */
  function take(kind, number, body) {
    const connection = carried.get(number);
    if (kind === OPEN) {
      const socket = carried.size < MAX_CONNECTIONS ? accept(body.readUInt32BE()) : undefined;
      if (socket === undefined) send(BREAK, number);
      else add(number, socket);
    } else if (connection === undefined || connection.socket.destroyed) return;
    else if (kind === DATA) {
      connection.socket.write(body, (error) => {
        if (!error && carried.has(number)) send(CREDIT, number, word(body.length));
      });
    } else if (kind === END) {
      connection.theirsEnded = true;
      connection.socket.setTimeout(HALF_CLOSED).end();
    } else if (kind === BREAK) {
      carried.delete(number);
      breakOff(connection.socket);
    } else if (kind === CREDIT) {
      connection.credit += body.readUInt32BE();
      flow(connection);
    }
  }

  // Counted, not timed: a half that was stopped itself finds what it has not heard yet in its buffers.
  let unheard = 0;
  const pulse = setInterval(() => {
    if (++unheard > 3) wire.destroy();
    else send(PING, 0);
  }, silence / 3);
  send(PING, 0);

  /** @type {Buffer | null} */
  let head = null;
  wire.setNoDelay(true);
  wire.on("readable", () => {
    for (;;) {
      head ??= wire.read(HEAD);
      if (head === null) return;
      const kind = head.readUInt8();
      const length = head.length === HEAD ? head.readUInt32BE(5) : Infinity;
      if (length > FRAME || ((kind === OPEN || kind === CREDIT) && length !== 4)) return void wire.destroy();
      const body = length === 0 ? Buffer.alloc(0) : wire.read(length);
      if (body === null) return;
      unheard = 0;
      heard();
      take(kind, head.readUInt32BE(1), body);
      head = null;
    }
  });
  wire.on("drain", () => [...carried.values()].forEach(flow));
  wire.on("error", () => undefined).on("end", () => wire.destroy());
  wire.on("close", () => {
    clearInterval(pulse);
    const broken = [...carried.values()];
    carried.clear();
    for (const { socket } of broken) breakOff(socket);
  });

  return (socket, port) => {
    if (wire.destroyed) return breakOff(socket);
    last = (last + 1) >>> 0;
    send(OPEN, last, word(port));
    add(last, socket);
  };
}
