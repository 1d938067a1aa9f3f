import type { ErrorObject } from 'ajv';

/** An error of ajv's with what it is about: the field that is unknown, the values that are allowed. */
export function inWords({ instancePath, message, params }: ErrorObject): string {
  const which = params.additionalProperty ?? params.allowedValues?.join(', ');
  return `${instancePath} ${message}${which ? `: ${which}` : ''}`;
}
