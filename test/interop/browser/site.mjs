/**
 * The site that has the page: on every name of this machine's, with the API on the
 * same origin, as a wallet's own site would have it behind its proxy.
 */
import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { startPassthrough } from '../passthrough.mjs';

const HTML = { type: 'text/html; charset=utf-8' };

export async function startSite(apiUrl) {
  const page = { ...HTML, body: '<!doctype html><title>interop</title><script src="/page.js"></script>' };
  const script = { type: 'text/javascript; charset=utf-8', body: await bundle() };
  const pages = { '/': page, '/page.js': script };
  const site = await startPassthrough(apiUrl, { pages });
  const address = (host) => `http://${host}:${site.port}/`;
  // A page that may use authenticators itself has the other one in a frame.
  pages['/framing'] = { ...HTML, body: framing(address('localhost')) };
  return { address, close: site.close };
}

function framing(url) {
  return `<!doctype html><title>framing</title><iframe src="${url}" allow="publickey-credentials-get *"></iframe>`;
}

async function bundle() {
  const entry = fileURLToPath(new URL('page.mjs', import.meta.url));
  const options = { bundle: true, format: 'iife', platform: 'browser', write: false, logLevel: 'silent' };
  const { outputFiles } = await build({ ...options, entryPoints: [entry] });
  return outputFiles[0].contents;
}
