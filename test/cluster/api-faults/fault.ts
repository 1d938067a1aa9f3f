import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { node, until } from '../kubectl';
import { FAULTS } from '.';

/** Which requests of pods a fault is about: each of these that is given must hold. */
export interface ApiFaultMatch {
  /** Name it, as other scenarios may use the cluster at the same time. */
  readonly namespace: string;
  /** As RBAC knows it: `create`, `get`, `list`, `watch`, `patch`, `update`, `delete`, `deletecollection`. @default every verb */
  readonly verb?: string;
  /** In the plural, with its subresource: `volumesnapshots`, `pods/exec`. @default every resource */
  readonly resource?: string;
  /** What is created has the name that the client gives it, in JSON: as `kubectl create -f` does, and `apply`. @default every name */
  readonly name?: string;
  /** The first of the matching requests that it befalls, counted from 1. @default 1 */
  readonly nth?: number;
  /** How many it befalls from there on. @default 1 */
  readonly times?: number;
}

/** What happens to a request. */
export interface ApiFaultAction {
  /** An answer with this status, such as 500 or 429; nothing is done. Its message is "planted by a test". */
  readonly status?: number;
  /** The connection breaks: before anything was done, or when all was done and the answer is lost. */
  readonly cut?: 'before' | 'after';
  /** Before any of that, it waits until the fault is removed. */
  readonly pause?: boolean;
}

/**
 * A fault of the API as pods see it, for as long as it is planted.
 *
 * kubectl asks again, up to ten times, when the connection of a GET was cut: give `times` where it shall not get through.
 */
export class ApiFault {
  private static planted: ApiFault[] = [];

  private constructor(
    private readonly path: string,
    private readonly namespace: string,
    private readonly what: string,
  ) {}

  /** Plants a fault, which is there at once. */
  static plant(match: ApiFaultMatch, action: ApiFaultAction): ApiFault {
    const name = `${match.namespace}-${process.pid}-${ApiFault.planted.length}`;
    const fault = new ApiFault(node().path(join(FAULTS, name)), match.namespace, JSON.stringify({ match, action }));
    ApiFault.planted.push(fault);
    writeFileSync(`${fault.path}.new`, fault.what);
    renameSync(`${fault.path}.new`, `${fault.path}.json`);
    return fault;
  }

  /** Removes all of a namespace's faults that this file has planted. */
  static clear(namespace: string): void {
    for (const fault of ApiFault.planted.filter(each => each.namespace === namespace)) fault.remove();
  }

  /** Whether it has befallen a request. */
  get hasStruck(): boolean {
    return existsSync(`${this.path}.struck`);
  }

  /** Waits until it has. */
  struck(seconds?: number): Promise<void> {
    return until(`a request is befallen by ${this.what}`, () => this.hasStruck, seconds);
  }

  /** Takes it away; what it has paused goes on. */
  remove(): void {
    rmSync(`${this.path}.json`, { force: true });
  }
}
