import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Image } from '../../rehearsal';
import { inImage } from './in-image';

/** A pair of keys, of which the public one is in code and the private one in a Secret. */
export interface KeyPair {
  readonly recipient: string;
  readonly identity: string;
}

export function ageKeys(image: Image): KeyPair {
  const identity = execFileSync(join(image.root, 'usr/bin/age-keygen'), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const [, recipient = ''] = /public key: (age1\w+)/.exec(identity) ?? [];
  return { recipient, identity };
}

/** Made by the gpg of an image that has it, in a home that is gone afterwards. The private key has the passphrase. */
export function gpgKeys(image: Image, name: string, passphrase: string): KeyPair {
  const directory = mkdtempSync(join(tmpdir(), 'e2e-gpg-'));
  mkdirSync(join(directory, 'home'), { mode: 0o700 });
  const gpg = (command: string) =>
    execFileSync('unshare', inImage(image, directory, 0, ['sh', '-c', `export GNUPGHOME=/srv/home; ${command}`]), {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  try {
    const batch = `gpg --batch --quiet --pinentry-mode loopback --passphrase '${passphrase}'`;
    gpg(`${batch} --quick-generate-key ${name} future-default default never`);
    return { recipient: gpg('gpg --armor --export'), identity: gpg(`${batch} --armor --export-secret-keys`) };
  } finally {
    gpg('gpgconf --kill all');
    rmSync(directory, { recursive: true });
  }
}
