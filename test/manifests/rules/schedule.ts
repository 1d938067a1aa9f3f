import { Cron } from 'croner';
import { cronJobs, nameOf, type Rule } from '../manifest';

/** A suspended CronJob is started by hand; lifting the suspension must not start it. The others are meant to start. */
export const schedule: Rule = manifests =>
  cronJobs(manifests).flatMap(cronJob => {
    const { suspend = false, schedule: cron = '', timeZone: timezone } = cronJob.spec ?? {};
    try {
      const never = new Cron(cron, { timezone, mode: '5-part' }).nextRun() === null;
      return never === suspend ? [] : [`${nameOf(cronJob)}: '${cron}' ${never ? 'never comes' : 'comes, although it is suspended'}`];
    } catch (error) {
      return [`${nameOf(cronJob)}: '${cron}' in ${timezone}: ${(error as Error).message}`];
    }
  });
