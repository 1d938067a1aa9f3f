import type { Rule } from '../manifest';
import { asKept } from './as-kept';
import { claimReferences } from './claim-references';
import { configMapReferences } from './config-map-references';
import { cronJobLimits } from './cron-job-limits';
import { envUnique } from './env-unique';
import { foreignSelectors } from './foreign-selectors';
import { imagePinned } from './image-pinned';
import { jobName } from './job-name';
import { labels } from './labels';
import { names } from './names';
import { networkPolicyCovers, networkPolicySelects } from './network-policy';
import { noDecryptionKeys } from './no-decryption-keys';
import { noLiteralSecrets } from './no-literal-secrets';
import { noPasswordArguments } from './no-password-arguments';
import { noSecrets } from './no-secrets';
import { objectSize } from './object-size';
import { objectUnique } from './object-unique';
import { podSecurity } from './pod-security';
import { podWiring } from './pod-wiring';
import { schedule } from './schedule';
import { scriptConfigMap, scriptVolumes } from './script-config-map';
import { serviceAccountToken } from './service-account-token';
import { workbench } from './workbench';

/** What the schema of Kubernetes cannot say, and what this library promises beyond it. */
export const RULES = {
  names,
  labels,
  objectUnique,
  objectSize,
  jobName,
  cronJobLimits,
  schedule,
  podSecurity,
  podWiring,
  imagePinned,
  serviceAccountToken,
  envUnique,
  noSecrets,
  noLiteralSecrets,
  noPasswordArguments,
  noDecryptionKeys,
  configMapReferences,
  scriptConfigMap,
  scriptVolumes,
  claimReferences,
  networkPolicySelects,
  networkPolicyCovers,
  foreignSelectors,
  asKept,
  workbench,
} satisfies { [name: string]: Rule };
