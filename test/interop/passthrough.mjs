/**
 * A server between a client and the API. It forwards requests as they are and keeps
 * what it saw of them, so that a test can tell what an SDK really sends; and it can
 * serve pages, as the API itself answers no page of another origin.
 */
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** Starts it on a free port. pages: path → {type, body}, served in place of the API's. */
export async function startPassthrough(target, { pages = {} } = {}) {
  const seen = [];
  const server = createServer((incoming, outgoing) => {
    const page = pages[incoming.url];
    if (page) return outgoing.writeHead(200, { 'content-type': page.type }).end(page.body);
    seen.push({ method: incoming.method, path: incoming.url, headers: incoming.headers });
    forward(target, incoming, outgoing);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  return { port, url: `http://127.0.0.1:${port}`, seen, close: () => close(server) };
}

function forward(target, incoming, outgoing) {
  const url = new URL(target);
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const { hostname, port } = url;
  const headers = { ...incoming.headers, host: url.host };
  const call = request({ hostname, port, method: incoming.method, path: incoming.url, headers }, (response) => {
    outgoing.writeHead(response.statusCode, response.headers);
    response.pipe(outgoing);
  });
  call.on('error', () => outgoing.destroy());
  incoming.pipe(call);
}

async function close(server) {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}
