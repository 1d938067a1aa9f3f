import { alertPrograms } from './cluster/alerts/programs';
import { imagesOfCluster } from './cluster/images';
import { modules } from './cluster/modules';
import { ClusterNode } from './cluster/node';
import { receiverProgram } from './cluster/notifier/programs';
import { busyboxImages } from './e2e/support/images';
import { customResourceDefinitions } from './rehearsal/images/crds';
import { forgetBuilds } from './rehearsal/images/go-binaries';
import { openldapImage } from './rehearsal/images/openldap';

// Builds what the tests run on, before any of them: on a fresh machine it takes as long as all tests do, and no test's time limit knows
// that. What is there already takes a second. A build of its own kind goes on elsewhere? Then this waits for it, without a limit.

const begin = Date.now();

async function built(what: string, build: () => Promise<unknown>): Promise<void> {
  await build();
  console.log(`${what}: there after ${Math.round((Date.now() - begin) / 1000)} s`);
}

// Debian's packages wait for the disk and for dpkg, of which there is one at a time; Go's compiler takes what processors are left.
async function main(): Promise<void> {
  await Promise.all([
    built('images of pods', () => Promise.all([imagesOfCluster(), busyboxImages(), openldapImage('bookworm')])),
    built('definitions of custom resources', customResourceDefinitions),
    built("programs of the cluster's node", () => ClusterNode.prepare()),
    built('what the cluster has beside', modules),
    built('kube-state-metrics and Prometheus', alertPrograms),
    built('a receiver of messages', receiverProgram),
  ]);
  await forgetBuilds();
}

main().catch(problem => {
  console.error(problem);
  process.exit(1);
});
