import { type Size, SizeRoundingBehavior } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import type { IConstruct } from 'constructs';
import { InputError } from './input-error';

/** A number, and a suffix of 1024s, of 1000s, or an exponent. (Kubernetes documentation, "Quantity".) */
const QUANTITY = /^(?<sign>[+-]?)(?<whole>\d*)(?:\.(?<fraction>\d*))?(?<suffix>[KMGTPE]i|[numkMGTPE]?|[eE][+-]?\d+)$/;

const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];

/** Mebibytes below which no container starts: runc itself needs some of them. */
const LEAST_MEMORY = 16;

/**
 * A quantity as the API server writes it: `1024Mi` is `1Gi`, `1000m` is `1`, `0.5` is `500m`. Written otherwise, it would differ from what
 * is stored for ever. Text that is no quantity, or has an exponent, is returned as it is. (`CanonicalizeBytes` in k8s.io/apimachinery.)
 */
export function canonicalQuantity(text: string): string {
  const { sign, whole = '', fraction = '', suffix } = QUANTITY.exec(text)?.groups ?? {};
  if (suffix === undefined || /^[eE][+-]?\d/.test(suffix) || !/\d/.test(whole + fraction)) return text;
  const isBinary = suffix.endsWith('i');
  const [suffixes, base] = isBinary ? [BINARY, 1024n] : [DECIMAL, 1000n];
  let place = suffixes.indexOf(suffix);
  let number = BigInt(whole + fraction);
  let divisor = 10n ** BigInt(fraction.length);
  while (number % divisor !== 0n && place > 0) {
    number *= base;
    place--;
  }
  // What is finer than the finest suffix is rounded up.
  number = (number + divisor - 1n) / divisor;
  divisor = base;
  while (number > 0n && number % divisor === 0n && place < suffixes.length - 1) {
    number /= divisor;
    place++;
  }
  return number === 0n ? '0' : `${sign === '-' ? '-' : ''}${number}${suffixes[place]}`;
}

/** A size as Kubernetes itself would write it, in the largest unit that divides it. Otherwise the API server gives back another text. */
export function quantity(size: Size): k8s.Quantity {
  const mebibytes = size.toMebibytes();
  return k8s.Quantity.fromString(mebibytes % 1024 === 0 ? `${mebibytes / 1024}Gi` : `${mebibytes}Mi`);
}

/**
 * Checks memory.
 *
 * @returns how many mebibytes
 * @throws InputError when it is no whole number of them, or less than any container needs
 */
export function checkMemory(scope: IConstruct, prop: string, size: Size): number {
  const mebibytes = size.toMebibytes({ rounding: SizeRoundingBehavior.NONE });
  if (Number.isInteger(mebibytes) && mebibytes >= LEAST_MEMORY) return mebibytes;
  const because = `write whole mebibytes, at least ${LEAST_MEMORY}, as runc itself needs some: for example Size.mebibytes(512)`;
  throw new InputError(scope, { prop, got: size.asString(), because });
}

/**
 * Checks CPU as a Kubernetes quantity.
 *
 * @returns how many processors
 * @throws InputError when it is no quantity, or finer than a thousandth
 */
export function checkCpu(scope: IConstruct, prop: string, text: string): number {
  const match = typeof text === 'string' ? /^(\d+(?:\.\d{1,3})?)(m?)$/.exec(text) : null;
  if (!match || (match[2] && match[1]?.includes('.'))) {
    throw new InputError(scope, { prop, got: text, because: "write processors, or thousandths of one: for example '2', '0.5' or '500m'" });
  }
  return Number(match[1]) / (match[2] ? 1000 : 1);
}
