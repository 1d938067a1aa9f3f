import { cronJobs, nameOf, type Rule } from '../manifest';
import { valuesAt } from '../paths';

const isCount = (value: unknown) => Number.isInteger(value);

/** What keeps a job that runs by itself from piling up, from running for ever, and from starting at a time nobody meant. */
const NEEDED: { [path: string]: (value: unknown) => boolean } = {
  'spec.concurrencyPolicy': value => value === 'Forbid',
  // The controller looks every 10 seconds, so that a shorter deadline may never be met.
  'spec.startingDeadlineSeconds': value => typeof value === 'number' && value >= 10,
  'spec.timeZone': value => typeof value === 'string',
  'spec.successfulJobsHistoryLimit': isCount,
  'spec.failedJobsHistoryLimit': isCount,
  'spec.jobTemplate.spec.activeDeadlineSeconds': isCount,
  'spec.jobTemplate.spec.backoffLimit': isCount,
  'spec.jobTemplate.spec.ttlSecondsAfterFinished': isCount,
};

export const cronJobLimits: Rule = manifests =>
  cronJobs(manifests)
    .filter(({ spec }) => !spec?.suspend)
    .flatMap(cronJob =>
      Object.entries(NEEDED).flatMap(([path, holds]) =>
        valuesAt(cronJob, path)
          .filter(value => !holds(value))
          .map(value => `${nameOf(cronJob)}: ${path} is ${value}`),
      ),
    );
