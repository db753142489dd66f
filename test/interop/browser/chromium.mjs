/** Chromium from the system's packages, without a window, and authenticators for its pages. */
import { access, constants } from 'node:fs/promises';
import { chromium } from 'playwright-core';

const EXECUTABLE = '/usr/bin/chromium';
const TIMEOUT_MS = 30_000;

// It asks nothing of the network: all its pages are on this machine.
const FLAGS = [
  '--headless=new',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A browser with a new, empty profile. Without a sandbox, as that is refused to root and in containers. */
export async function launch() {
  await access(EXECUTABLE, constants.X_OK).catch(() => {
    throw new Error(`${EXECUTABLE} is not there: install Debian's package "chromium" (make deps does)`);
  });
  return chromium.launch({ executablePath: EXECUTABLE, args: FLAGS, chromiumSandbox: false, timeout: TIMEOUT_MS });
}

/** A page at the address, in a context of its own, whose script has run. */
export async function openPage(browser, address) {
  const context = await browser.newContext();
  context.setDefaultTimeout(TIMEOUT_MS);
  const page = await context.newPage();
  await page.goto(address);
  return page;
}

/**
 * An authenticator that is built into the page's device and whose user agrees to
 * everything. The rest is that of the DevTools protocol's WebAuthn domain.
 */
export async function addAuthenticator(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  const options = { protocol: 'ctap2', transport: 'internal', hasUserVerification: true, isUserVerified: true };
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', { options });
  const call = (method, parameters) => devtools.send(`WebAuthn.${method}`, { authenticatorId, ...parameters });
  return {
    setUserVerified: (isUserVerified) => call('setUserVerified', { isUserVerified }),
    credential: async () => (await call('getCredentials')).credentials[0],
    replace: async (credential) => {
      await call('clearCredentials');
      await call('addCredential', { credential });
    },
  };
}
