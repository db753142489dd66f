/**
 * The signer for PasswordProtectedKey credentials that a client has to bring: the
 * SDK takes any object with sign(), and none of the official packages has one for
 * this kind. It decrypts the private key that comes with the challenge and then signs
 * as the official signer for keys does; only the kind in the answer differs.
 */
import { createPrivateKey } from 'node:crypto';
import { AsymmetricKeySigner } from '@dfns/sdk-keysigner';

const CIPHER = 'aes-256-cbc';

/** What a client registers: PKCS#8, encrypted with a password that stays with it. */
export function encryptPrivateKey(privateKey, password) {
  return privateKey.export({ type: 'pkcs8', format: 'pem', cipher: CIPHER, passphrase: password });
}

export class PasswordProtectedKeySigner {
  constructor({ credId, password, kind = 'PasswordProtectedKey' }) {
    Object.assign(this, { credId, password, kind });
  }

  async sign(challenge) {
    const allowed = challenge.allowCredentials.passwordProtectedKey;
    const entry = allowed.find(({ id }) => id === this.credId);
    if (!entry) throw new Error(`${this.credId} is not among the allowed credentials`);
    const privateKey = createPrivateKey({ key: entry.encryptedPrivateKey, passphrase: this.password });
    const keySigner = new AsymmetricKeySigner({ credId: this.credId, privateKey });
    const assertion = await keySigner.sign({ ...challenge, allowCredentials: { key: allowed } });
    return { ...assertion, kind: this.kind };
  }
}
