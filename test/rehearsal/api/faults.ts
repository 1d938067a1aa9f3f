import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from './errors';
import type { ApiRequest } from './request';

/** Which requests a fault is about. */
export interface FaultMatch {
  /** In lower case: `create`, `get`, `list`, `watch`, `patch`, `delete`. @default every verb */
  readonly verb?: string;
  /** In the plural, with its subresource: `volumesnapshots`, `pods/exec`. @default every resource */
  readonly resource?: string;
  /** @default every name; what is created has the name that the client gives it */
  readonly name?: string | RegExp;
  /** The first of the matching requests that fails, counted from 1. @default 1 */
  readonly nth?: number;
  /** How many fail from there on. @default 1 */
  readonly times?: number;
}

/** What happens to them. */
export interface FaultAction {
  /** An answer with this status, such as 500 or 429. */
  readonly status?: number;
  /** The connection breaks: before anything was done, or when all was done and the answer is lost. */
  readonly cut?: 'before' | 'after';
  /** The answer comes so much later. */
  readonly delaySeconds?: number;
  /** Nothing is done before `resume` is called. */
  readonly pause?: boolean;
}

/** A fault that was planted. */
export class Fault {
  /** How many requests matched. */
  matched = 0;
  private resumed: () => void = () => {};
  private readonly pause = new Promise<void>(resolve => {
    this.resumed = resolve;
  });

  constructor(
    private readonly match: FaultMatch,
    readonly action: FaultAction,
  ) {}

  resume(): void {
    this.resumed();
  }

  /** Whether it befalls this request. */
  befalls({ verb, resource, subresource, name }: ApiRequest, sentName: string): boolean {
    const { match } = this;
    const plural = subresource ? `${resource.plural}/${subresource}` : resource.plural;
    const isNamed =
      match.name instanceof RegExp ? match.name.test(name || sentName) : (match.name ?? (name || sentName)) === (name || sentName);
    if ((match.verb ?? verb) !== verb || (match.resource ?? plural) !== plural || !isNamed) return false;
    this.matched += 1;
    const first = match.nth ?? 1;
    return this.matched >= first && this.matched < first + (match.times ?? 1);
  }

  /** @throws ApiError, or Cut */
  async strike(): Promise<void> {
    const { pause, delaySeconds, status, cut } = this.action;
    if (pause) await this.pause;
    if (delaySeconds) await sleep(delaySeconds * 1000);
    if (cut === 'before') throw new Cut();
    if (status)
      throw new ApiError(status, 'InternalError', `an error on the server ("planted by a test") has prevented the request from succeeding`);
  }
}

/** The connection is to be broken. */
export class Cut extends Error {}
