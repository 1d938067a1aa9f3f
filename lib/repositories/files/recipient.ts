import { createHash } from 'node:crypto';
import type { Construct } from 'constructs';
import { InputError } from '../../core/input-error';

const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

/**
 * Checks an age recipient down to its checksum (age's specification, "The X25519 recipient type"; BIP 173). A recipient with a typing error
 * would be somebody else, or nobody.
 *
 * @internal
 */
export function checkAgeRecipient(scope: Construct, prop: string, recipient: string): string {
  if (recipient.startsWith('AGE-SECRET-KEY-')) {
    throw new InputError(scope, {
      prop,
      got: 'an identity',
      because: 'that is a private key: remove it from the code, make a new one, and write what `age-keygen -y` prints: age1...',
    });
  }
  if (!/^age1[02-9ac-hj-np-z]{58}$/.test(recipient) || checksum(recipient) !== 1) {
    throw new InputError(scope, {
      prop,
      got: recipient,
      because:
        'write the public key that `age-keygen` or `age-keygen -y` prints: age1 and 58 more characters, the last six of them a checksum',
    });
  }
  return recipient;
}

function checksum(recipient: string): number {
  const prefix = [...'age'].map(letter => letter.charCodeAt(0));
  const values = [
    ...prefix.map(code => code >> 5),
    0,
    ...prefix.map(code => code & 31),
    ...[...recipient.slice(4)].map(c => BECH32.indexOf(c)),
  ];
  const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
  return values.reduce((sum, value) => {
    const top = sum >>> 25;
    return generator.reduce((next, word, bit) => ((top >>> bit) & 1 ? next ^ word : next), ((sum & 0x1ffffff) << 5) ^ value);
  }, 1);
}

/**
 * Reads an OpenPGP public key as `gpg --armor --export` writes it, and gives its fingerprint (RFC 4880, chapters 4.2, 6 and 12.2).
 *
 * @internal
 */
export function fingerprintOf(scope: Construct, prop: string, armored: string): string {
  const wrong = (got: string, because: string) => new InputError(scope, { prop, got, because });
  if (armored.includes('PRIVATE KEY BLOCK')) {
    throw wrong('a private key', 'that is a private key: remove it from the code, and write what `gpg --armor --export` prints');
  }
  const [, body = ''] =
    /-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(?:[^\n]+: [^\n]*\n)*\s*\n([\s\S]*?)-----END PGP PUBLIC KEY BLOCK-----/.exec(armored) ?? [];
  const [base64 = ''] = body.split(/\n=[A-Za-z0-9+/]{4}\s*\n/);
  const keys = packets(Buffer.from(base64, 'base64')).filter(({ tag }) => tag === 6);
  const [key] = keys;
  if (!key || keys.length > 1) {
    const because = 'write one public key, as `gpg --armor --export <fingerprint>` prints it; each recipient is an item of the list';
    throw wrong(keys.length > 1 ? `${keys.length} keys` : armored.slice(0, 40), because);
  }
  if (key.body[0] !== 4)
    throw wrong(`a key of version ${key.body[0]}`, 'the gpg of every image supports keys of version 4: make one of those');
  const length = Buffer.from([0x99, key.body.length >> 8, key.body.length & 255]);
  return createHash('sha1').update(length).update(key.body).digest('hex').toUpperCase();
}

interface Packet {
  readonly tag: number;
  readonly body: Buffer;
}

/** Reading ends at a packet that is cut off, or that is none. */
function packets(bytes: Buffer): Packet[] {
  const found: Packet[] = [];
  let at = 0;
  while (at + 2 < bytes.length) {
    const head = bytes.readUInt8(at);
    if ((head & 0x80) === 0) break;
    const header = (head & 0x40) !== 0 ? newHeader(bytes, at) : oldHeader(bytes, at);
    if (!header || header.from + header.length > bytes.length) break;
    found.push({ tag: header.tag, body: bytes.subarray(header.from, header.from + header.length) });
    at = header.from + header.length;
  }
  return found;
}

interface Header {
  readonly tag: number;
  readonly from: number;
  readonly length: number;
}

function newHeader(bytes: Buffer, at: number): Header | undefined {
  const tag = bytes.readUInt8(at) & 0x3f;
  const first = bytes.readUInt8(at + 1);
  if (first < 192) return { tag, from: at + 2, length: first };
  if (first < 224 && at + 2 < bytes.length) return { tag, from: at + 3, length: ((first - 192) << 8) + bytes.readUInt8(at + 2) + 192 };
  if (first === 255 && at + 6 <= bytes.length) return { tag, from: at + 6, length: bytes.readUInt32BE(at + 2) };
  return undefined;
}

function oldHeader(bytes: Buffer, at: number): Header | undefined {
  const head = bytes.readUInt8(at);
  const size = [1, 2, 4][head & 3];
  if (size === undefined || at + 1 + size > bytes.length) return undefined;
  return { tag: (head & 0x3c) >> 2, from: at + 1 + size, length: bytes.readUIntBE(at + 1, size) };
}
