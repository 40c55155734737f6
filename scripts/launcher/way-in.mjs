/**
 * The outer half of the way in to a service that `up` runs: `call cluster up --ports 6443:6443,8080:80`.
 *
 * The engine's own forwarding of ports does not hold. It never tells either side that the other one has closed, keeps each
 * connection under the address of its client for ever, and stops for all of them when one write to a service fails, which a
 * service that ends a connection early is enough for; the port then accepts and nothing answers. So it is given one connection,
 * which stays, and that one carries all others: see dagger/way-in/carrier.mjs.
 */
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { breakOff, carry, SILENCE } from "../../dagger/way-in/carrier.mjs";
import { WAY_IN_PORT } from "../../dagger/way-in/server.mjs";
import { isOurModule } from "./cluster.mjs";
import { LauncherError } from "./errors.mjs";

/** Functions that give a service with a way in, and its ports. @type {Record<string, number[]>} */
const SERVICES = { cluster: [6443, 80], up: [8080] };

/** How often the engine is asked for the connection until it is there, in ms. */
const RETRY = 250;

/** How long it is asked again after one was lost, in ms; then the service is gone. */
const GONE = 60_000;

/** @typedef {{ local: number, remote: number }} Port */

/**
 * @param {string[]} args arguments of the CLI
 * @param {string} [folder] where it is called
 * @returns {Port[]} ports of this machine and what they lead to; empty when the call starts no such service, or its ports are
 *   written in a way that only the CLI knows
 */
export function portsOf(args, folder = process.cwd()) {
  const call = args.indexOf("call");
  if (call < 0 || args.some((arg) => ["--help", "-h", "--random"].includes(arg)) || !isOurModule(folder)) return [];
  const words = args.slice(call + 1).filter((arg) => !arg.startsWith("-"));
  const called = Object.keys(SERVICES).find((name) => words.includes(name));
  const at = args.lastIndexOf("up");
  if (called === undefined || at <= args.indexOf(called, call)) return [];
  const given = optionValues(args, "--ports");
  const known = /** @type {number[]} */ (SERVICES[called]);
  if (given.length === 0) return known.map((port) => ({ local: port, remote: port }));
  const ports = given.map((text) => {
    const [, local, remote] = /^(\d+):(\d+)(?:\/tcp)?$/i.exec(text) ?? [];
    return { local: Number(local), remote: Number(remote) };
  });
  return ports.every(({ local, remote }) => local > 0 && local < 65_536 && known.includes(remote)) ? ports : [];
}

/** @param {string[]} args with `call` in them @param {number} tunnel port of this machine @returns {string[]} the same call for a way in, the only port that the engine forwards */
export function withTunnel(args, tunnel) {
  const rest = args.filter((arg, index) => !arg.startsWith("--ports=") && arg !== "--ports" && args[index - 1] !== "--ports");
  const call = rest.indexOf("call") + 1;
  return [...rest.slice(0, call), "--launched", ...rest.slice(call), `--ports=${tunnel}:${WAY_IN_PORT}`];
}

/** @param {string[]} args @param {string} option @returns {string[]} values of a list, in each way of writing it */
function optionValues(args, option) {
  return args.flatMap((arg, index) => (arg.startsWith(`${option}=`) ? arg.slice(option.length + 1).split(",") : args[index - 1] === option ? arg.split(",") : []));
}

/** @param {number} port 0: any @returns {Promise<number>} a port of this machine that nobody listens on */
export async function freePort(port = 0) {
  const server = await listening(createServer(), port);
  const found = /** @type {import("node:net").AddressInfo} */ (server.address()).port;
  await new Promise((resolve) => server.close(resolve));
  return found;
}

/** @param {import("node:net").Server} server @param {number} port @returns {Promise<import("node:net").Server>} */
function listening(server, port) {
  return new Promise((resolve, reject) => {
    server.once("error", (/** @type {NodeJS.ErrnoException} */ cause) =>
      reject(new LauncherError(cause.code === "EADDRINUSE" ? `port ${port} of this machine is in use; choose another one: --ports 18080:80` : `cannot listen on port ${port}: ${cause.message}`, 3)),
    );
    server.listen({ port, host: "127.0.0.1" }, () => resolve(server));
  });
}

/**
 * Keeps the ports open until `signal` says that the service has ended.
 * @param {{ ports: Port[], tunnel: number, signal: AbortSignal, note: (text: string) => void, gone?: number }} options
 * @returns {Promise<void>} fulfilled after that; rejected when a port cannot be had, or the service cannot be reached any more
 */
export async function keepWayIn({ ports, tunnel, signal, note, gone = GONE }) {
  /** @type {Carrier | undefined} */
  let carrier;
  let reachedAt = Infinity;
  /** @type {import("node:net").Server[]} */
  const servers = [];
  try {
    while (!signal.aborted) {
      carrier = await reach(tunnel);
      if (carrier === undefined) {
        if (Date.now() - reachedAt > gone) throw new LauncherError("what was started cannot be reached any more; the output above says why");
        await sleep(RETRY, undefined, { signal }).catch(() => undefined);
        continue;
      }
      for (const { local, remote } of servers.length === 0 ? ports : []) {
        const server = createServer({ allowHalfOpen: true }, (socket) => (carrier ? carrier.open(socket, remote) : breakOff(socket)));
        servers.push(await listening(server, local));
      }
      note(`open on this machine: ${ports.map(({ local, remote }) => `127.0.0.1:${local} → ${remote}`).join(", ")}`);
      await carrier.lost(signal);
      reachedAt = Date.now();
      if (!signal.aborted) note("the connection into the engine was lost; connecting again");
    }
  } finally {
    for (const server of servers) server.close();
    carrier?.close();
  }
}

/** @typedef {{ open: ReturnType<typeof carry>, close: () => void, lost: (signal: AbortSignal) => Promise<void> }} Carrier */

/** @param {number} port @returns {Promise<Carrier | undefined>} undefined when the other half does not answer */
function reach(port) {
  const wire = connect({ host: "127.0.0.1", port });
  const close = () => void wire.destroy();
  return new Promise((resolve) => {
    const timer = setTimeout(close, SILENCE);
    wire.on("error", () => undefined).once("close", () => {
      clearTimeout(timer);
      resolve(undefined);
    });
    wire.once("connect", () => {
      /** @param {AbortSignal} signal @returns {Promise<void>} */
      const lost = (signal) =>
        new Promise((over) => {
          wire.once("close", () => over());
          signal.addEventListener("abort", () => over(), { once: true });
          if (wire.destroyed || signal.aborted) over();
        });
      const open = carry(wire, {
        heard: () => {
          clearTimeout(timer);
          resolve({ open, close, lost });
        },
      });
    });
  });
}
