/**
 * The inner half of the way in to a service: `node server.mjs HOST PORT…`. One connection from the laptop carries every connection to
 * the ports of HOST. It listens on no other port than its own and leads to no other than those of HOST, so that it cannot lead to itself.
 */
import { connect, createServer } from "node:net";
import { carry, SILENCE } from "./carrier.mjs";

/** Where the outer half (scripts/launcher/way-in.mjs) connects. */
export const WAY_IN_PORT = 4480;

/** How long a port of HOST may take to accept a connection, in ms. */
const PATIENCE = 10_000;

/** How long HOST may accept nothing before this process ends, in ms; looked at every LOOK. */
const LOST = 30_000;
const LOOK = 5_000;

/**
 * @param {string} host @param {number[]} ports of it that may be asked for
 * @param {{ silence?: number }} [options] after how many ms an outer half that says nothing is given up
 * @returns {import("node:net").Server}
 */
export function wayIn(host, ports, { silence = SILENCE } = {}) {
  /** @type {import("node:net").Socket | undefined} */
  let current;
  return createServer((wire) => {
    /** @param {number} port */
    const accept = (port) => {
      if (!ports.includes(port)) return undefined;
      const socket = connect({ host, port, allowHalfOpen: true });
      const timer = setTimeout(() => socket.destroy(), PATIENCE);
      return socket.once("connect", () => clearTimeout(timer)).once("close", () => clearTimeout(timer));
    };
    const heard = () => {
      // The engine does not say that the outer half has closed a connection; its next one does, and its silence.
      if (current !== wire) current?.destroy();
      current = wire;
    };
    carry(wire, { accept, heard, silence });
  });
}

/** @param {string} host @param {number} port @returns {Promise<boolean>} whether it accepts a connection */
function accepts(host, port) {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: LOOK });
    const done = (/** @type {boolean} */ result) => {
      socket.destroy();
      resolve(result);
    };
    socket.once("connect", () => done(true)).on("error", () => done(false)).on("timeout", () => done(false));
  });
}

/** @param {string[]} argv */
function main([host = "", ...rest]) {
  const ports = rest.map(Number);
  wayIn(host, ports).listen(WAY_IN_PORT, "0.0.0.0");
  let seen = Date.now();
  setInterval(async () => {
    if (await accepts(host, /** @type {number} */ (ports[0]))) seen = Date.now();
    else if (Date.now() - seen > LOST) {
      console.error(`way in: port ${ports[0]} of ${host} has accepted nothing for ${LOST / 1000} s; its own output says why`);
      process.exit(1);
    }
  }, LOOK);
}

if (process.argv[1] === import.meta.filename) main(process.argv.slice(2));
