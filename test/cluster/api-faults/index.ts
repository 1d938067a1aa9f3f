import { join } from 'node:path';
import { NODE_ADDRESS } from '../node/kubernetes';
import type { NodeModule } from '../node/module';
import { proxyProgram } from './programs';

/** Where pods are led to, on the API server's port: as to a load balancer before it. */
const ADDRESS = '10.200.0.2';
const PORT = 6443;
/** Where tests plant faults on the node, each in a file of its own. */
export const FAULTS = '/var/lib/api-faults';
const PKI = '/etc/kubernetes';

/**
 * A proxy where the Service `kubernetes` leads, and so between pods and the API server; what tests, daemons and controllers ask goes
 * straight to it. A test has requests of pods go wrong by `ApiFault` (fault.ts):
 *
 *     const lost = ApiFault.plant({ namespace, verb: 'patch', resource: 'volumesnapshots', nth: 2 }, { cut: 'after' });
 *     const paused = ApiFault.plant({ namespace, verb: 'list' }, { pause: true });
 *     await paused.struck(); // a request is there, and waits
 *     paused.remove(); // it goes on
 *     afterEach(() => ApiFault.clear(namespace));
 */
export async function apiFaultsModule(): Promise<NodeModule> {
  const program = join(await proxyProgram(), 'api-faults');
  const flags = [
    `--listen=${ADDRESS}:${PORT}`,
    `--server=https://${NODE_ADDRESS}:${PORT}`,
    `--authority=${PKI}/ca.crt`,
    `--certificate=${PKI}/kube-apiserver.crt`,
    `--key=${PKI}/kube-apiserver.key`,
    `--faults=${FAULTS}`,
  ];
  const prepare = `mkdir -p ${FAULTS} && ip address replace ${ADDRESS}/24 dev node`;
  return {
    name: 'faults of the API',
    apiServer: [`--bind-address=${NODE_ADDRESS}`, `--advertise-address=${ADDRESS}`],
    daemons: [{ name: 'api-faults', argv: ['sh', '-c', `${prepare} && exec ${program} ${flags.join(' ')}`] }],
  };
}
