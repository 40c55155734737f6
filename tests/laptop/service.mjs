/**
 * A small service for measurements, with its way in: answers every request with two kilobytes, ends no idle connection, breaks off
 * every upload.
 */
import { createServer } from "node:http";
import { WAY_IN_PORT, wayIn } from "../../dagger/way-in/server.mjs";

const PORT = 8000;

const server = createServer((request, response) => {
  if (request.method === "POST") {
    request.socket.destroy();
    return;
  }
  response.end("x".repeat(2_000));
});
server.keepAliveTimeout = 0;
server.requestTimeout = 0;
server.listen(PORT);
wayIn("127.0.0.1", [PORT]).listen(WAY_IN_PORT);
