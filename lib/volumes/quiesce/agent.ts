import type { Duration } from 'cdk8s';
import type { Construct } from 'constructs';
import type { Workload } from '../../core/workload';
import type { IQuiesce } from './quiesce';

/**
 * The commands by which a workload's pods are quiesced and let go, in a container that runs beside the server.
 *
 * @internal
 */
export interface QuiesceAgent {
  /** The container in which the commands are run. */
  readonly container: string;
  /** Ends with 0 when the server is held; otherwise with a reason on stderr, and nothing is held. */
  readonly hold: string[];
  /** Ends with 0 when the server was held until now, and lets it go; otherwise with a reason on stderr. Not there when nothing is held. */
  readonly release?: string[];
  /** The longest that `hold` takes. */
  readonly wait: Duration;
  /** The longest that the server is held after that. */
  readonly limit: Duration;
}

/**
 * Puts the agent into the pods of a workload. A workload has one: whoever asks again with the same quiesce gets the same.
 *
 * @param scope the construct that asks, which errors name
 * @param workload the server's
 * @param quiesce how it is held
 * @param volumes the volumes that are snapshotted, by their names in the pod
 * @throws InputError when the workload has another agent, or a container of its name
 * @internal
 */
export function quiesceAgent(scope: Construct, workload: Workload, quiesce: IQuiesce, volumes: string[]): QuiesceAgent {
  throw new Error(`not yet: ${scope.node.path} ${workload.name} ${quiesce.bind.name} ${volumes.join()}`);
}
