import { isIP } from 'node:net';
import type { IConstruct } from 'constructs';
import { InputError } from './input-error';

export function checkWhole(scope: IConstruct, prop: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new InputError(scope, { prop, got: value, because: `write a whole number from ${least} to ${most}` });
  }
}

export function checkHost(scope: IConstruct, host: string): void {
  if (!isIP(host ?? '') && !/^[a-zA-Z0-9]([-.a-zA-Z0-9]*[a-zA-Z0-9])?$/.test(host ?? '')) {
    throw new InputError(scope, {
      prop: 'host',
      got: host,
      because: "write a Service, an address or a host name, for example 'orders-db' or 'orders-db.shop'; a port goes into port",
    });
  }
}

/** @throws InputError when the parent has a child of that id already */
export function refuseTwice(scope: IConstruct, parent: IConstruct, call: string, id: string, because: string): void {
  if (parent.node.tryFindChild(id)) throw new InputError(scope, { prop: call, got: 'called twice', because });
}
