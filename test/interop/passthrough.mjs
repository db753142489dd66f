/**
 * A server between a client and the API. It forwards requests as they are and keeps
 * what it saw of them, so that a test can tell what an SDK really sends. It can
 * serve pages, as the API itself answers no page of another origin, and answer
 * requests in the API's place.
 */
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text as readText } from 'node:stream/consumers';

/**
 * Starts it on a free port. In place of the API's are served pages, path → {type, body},
 * and what requests, 'METHOD path' → async (body) → {status, body}, give for JSON.
 */
export async function startPassthrough(target, { pages = {}, requests = {} } = {}) {
  const seen = [];
  const server = createServer((incoming, outgoing) => {
    const page = pages[incoming.url];
    if (page) return outgoing.writeHead(200, { 'content-type': page.type }).end(page.body);
    seen.push({ method: incoming.method, path: incoming.url, headers: incoming.headers });
    const taken = requests[`${incoming.method} ${incoming.url}`];
    if (taken) return answer(taken, incoming, outgoing);
    forward(target, incoming, outgoing);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  return { port, url: `http://127.0.0.1:${port}`, seen, close: () => close(server) };
}

async function answer(taken, incoming, outgoing) {
  try {
    const text = await readText(incoming);
    const { status, body } = await taken(text === '' ? undefined : JSON.parse(text));
    outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  } catch (error) {
    console.error(`passthrough: ${incoming.method} ${incoming.url}: ${error.stack}`);
    outgoing.destroy();
  }
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
