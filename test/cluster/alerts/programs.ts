import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../../rehearsal/command';
import { goBinaries } from '../../rehearsal/images/go-binaries';
import { cachedRoot } from '../../rehearsal/rootfs';

/** The directory with `kube-state-metrics`. The first call takes minutes. */
export function kubeStateMetricsProgram(): Promise<string> {
  return goBinaries({ name: 'kube-state-metrics', build: readFileSync(join(__dirname, 'kube-state-metrics.sh'), 'utf8') });
}

/** The directory with `prometheus`, as this machine's Debian has it. */
export function prometheusProgram(): Promise<string> {
  const script = join(__dirname, 'prometheus.sh');
  return cachedRoot('prometheus', { script: readFileSync(script, 'utf8') }, async root => {
    const { exitCode, stderr } = await command('sh', [script, root, 'prometheus']);
    if (exitCode !== 0) throw new Error(`Prometheus cannot be had from Debian: ${stderr}`);
  });
}

/** What the alerts' scenario runs beside the node's daemons. */
export async function alertPrograms(): Promise<{ readonly kubeStateMetrics: string; readonly prometheus: string }> {
  return {
    kubeStateMetrics: join(await kubeStateMetricsProgram(), 'kube-state-metrics'),
    prometheus: join(await prometheusProgram(), 'prometheus'),
  };
}
