import { Deployment, type IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import { CronJob, type ICronJob } from 'kubernetes-models/batch/v1/CronJob';
import { type IJob, Job } from 'kubernetes-models/batch/v1/Job';
import { type INetworkPolicy, NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { ConfigMap, type IConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { type IPersistentVolumeClaim, PersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim';

// What the library may emit of Kubernetes itself; anything else is refused. Listed rather than looked up, because the models also
// have API versions that Kubernetes has removed.

/** The schema is made of this type. */
export type BuiltIn = IDeployment | ICronJob | IJob | INetworkPolicy | IConfigMap | IPersistentVolumeClaim;

export const BUILT_IN = [Deployment, CronJob, Job, NetworkPolicy, ConfigMap, PersistentVolumeClaim];
