import type { Manifest } from '../../support/synth';

/**
 * An hour of what is synthesized is a minute of the scenario: waits, windows and limits of rules, deadlines, and what runs once an hour.
 * All are shortened by the same, and so in the same order as they were.
 */
export const LAPSE = 60;

/** What runs on another schedule than once an hour is not due meanwhile. */
const EVERY_HOUR = '0 * * * *';
const EVERY_MINUTE = '* * * * *';
const NEVER = '0 0 31 2 *';

const UNITS: { [unit: string]: number } = { s: 1, m: 60, h: 3600, d: 86_400 };

const seconds = (duration: string) => (Number.parseInt(duration, 10) * (UNITS[duration.at(-1) ?? ''] ?? Number.NaN)) / LAPSE;

/** The `spec` of a PrometheusRule: a limit is a number of seconds, and one below a minute a count. */
export function lapsedRules(spec: Manifest): object {
  const lapsed = (rule: Manifest) => ({
    ...rule,
    for: `${seconds(rule.for)}s`,
    expr: rule.expr
      .replace(/\[(\d+[smhd])\]/g, (_: string, window: string) => `[${seconds(window)}s]`)
      .replace(
        / ([<>+]) (\d+)/g,
        (_: string, sign: string, limit: string) => ` ${sign} ${Number(limit) < 60 ? limit : Number(limit) / LAPSE}`,
      ),
  });
  return { groups: spec.groups.map((group: Manifest) => ({ ...group, rules: group.rules.map(lapsed) })) };
}

/** A CronJob, whose pods do nothing but end: as its runs go is what a test says. */
export function lapsedCronJob(cronJob: Manifest): Manifest {
  const { spec } = cronJob;
  const { template, podFailurePolicy: _, ...job } = spec.jobTemplate.spec;
  return {
    ...cronJob,
    spec: {
      ...spec,
      schedule: spec.schedule === EVERY_HOUR ? EVERY_MINUTE : NEVER,
      ...(spec.startingDeadlineSeconds && { startingDeadlineSeconds: spec.startingDeadlineSeconds / LAPSE }),
      jobTemplate: {
        ...spec.jobTemplate,
        spec: {
          ...job,
          activeDeadlineSeconds: job.activeDeadlineSeconds / LAPSE,
          // What is tried again fails later, and by the same metric.
          backoffLimit: 0,
          template: { metadata: template.metadata, spec: { ...standIn(template, ['true']), restartPolicy: 'Never' } },
        },
      },
    },
  };
}

/** A Deployment, whose pods are ready for as long as they have a file. */
export function lapsedDeployment(deployment: Manifest): Manifest {
  const { template, ...spec } = deployment.spec;
  const pod = standIn(template, ['sh', '-c', `touch ${READY} && exec sleep 1000000`]);
  const readinessProbe = { exec: { command: ['test', '-e', READY] }, periodSeconds: 1, failureThreshold: 1 };
  const containers = pod.containers.map(container => ({ ...container, readinessProbe }));
  return { ...deployment, spec: { ...spec, template: { metadata: template.metadata, spec: { ...pod, containers } } } };
}

export const READY = '/tmp/ready';

const standIn = (template: Manifest, command: string[]) => ({
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  terminationGracePeriodSeconds: 0,
  containers: [{ name: template.spec.containers[0].name, image: 'busybox:1.37.0-musl', command }],
});
