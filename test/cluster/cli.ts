import { spawn } from 'node:child_process';
import { imagesOfCluster } from './images';
import { modules } from './modules';
import { ClusterNode } from './node';
import { Machine } from './node/machine';

// npm run cluster -- up | down | status | kubectl ...; node/README.md says what it is. CLUSTER is the cluster's name.

const { CLUSTER = 'default' } = process.env;
const [verb, ...words] = process.argv.slice(2);

const VERBS: { [verb: string]: () => Promise<number> } = {
  async up() {
    const begin = Date.now();
    const seconds = () => `${((Date.now() - begin) / 1000).toFixed(1)} s`;
    if (ClusterNode.running(CLUSTER)) {
      console.log(`cluster "${CLUSTER}" is up already`);
      return 0;
    }
    const progress = (line: string) => console.log(`${seconds()}: ${line}`);
    progress('images');
    const images = await imagesOfCluster();
    await ClusterNode.start({ name: CLUSTER, images, modules: await modules(), progress });
    progress('the node is Ready: npm run cluster -- kubectl get pods --all-namespaces');
    return 0;
  },

  async down() {
    await Machine.end(CLUSTER);
    return 0;
  },

  async status() {
    const states = await running().states();
    for (const { name, runs, log } of states) console.log(`${runs ? 'runs ' : 'ENDED'} ${name.padEnd(24)} ${log}`);
    return states.every(({ runs }) => runs) ? 0 : 1;
  },

  async kubectl() {
    const [program = '', ...argv] = await running().kubectlCommand(words);
    const child = spawn(program, argv, { stdio: 'inherit' });
    return new Promise((resolve, reject) => child.once('error', reject).once('close', code => resolve(code ?? 137)));
  },
};

function running(): ClusterNode {
  const node = ClusterNode.running(CLUSTER);
  if (!node) throw new Error(`no cluster "${CLUSTER}" runs: npm run cluster -- up`);
  return node;
}

const run = VERBS[verb ?? ''];
if (!run) {
  console.error(`npm run cluster -- ${Object.keys(VERBS).join(' | ')}; CLUSTER=<name> for another than "default"`);
  process.exit(64);
}
run().then(
  code => process.exit(code),
  problem => {
    console.error(problem instanceof Error ? problem.message : problem);
    process.exit(1);
  },
);
