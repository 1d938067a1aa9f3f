import { nameOf, type Rule } from '../manifest';

/** The name of a Job is a label value of its pods, and for a Job of a CronJob, Kubernetes appends 11 characters. */
const LONGEST: { [kind: string]: number } = { Job: 63, CronJob: 52 };

export const jobName: Rule = manifests =>
  manifests.flatMap(manifest => {
    const { length } = manifest.metadata.name;
    const longest = LONGEST[manifest.kind] ?? length;
    return length > longest ? [`${nameOf(manifest)}: the name has ${length} characters, and at most ${longest} are possible`] : [];
  });
