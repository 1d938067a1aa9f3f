import { Deployment, type IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import { type IStatefulSet, StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { CronJob, type ICronJob } from 'kubernetes-models/batch/v1/CronJob';
import { type IJob, Job } from 'kubernetes-models/batch/v1/Job';
import { type INetworkPolicy, NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { type IRole, Role } from 'kubernetes-models/rbac.authorization.k8s.io/v1/Role';
import { type IRoleBinding, RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding';
import { ConfigMap, type IConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { type IPersistentVolumeClaim, PersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim';
import { type IService, Service } from 'kubernetes-models/v1/Service';
import { type IServiceAccount, ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';

// What the library may emit of Kubernetes itself; anything else is refused. Listed rather than looked up, because the models also
// have API versions that Kubernetes has removed.

/** The schema is made of this type. */
export type BuiltIn =
  | IDeployment
  | IStatefulSet
  | ICronJob
  | IJob
  | INetworkPolicy
  | IRole
  | IRoleBinding
  | IConfigMap
  | IPersistentVolumeClaim
  | IService
  | IServiceAccount;

export const BUILT_IN = [
  Deployment,
  StatefulSet,
  CronJob,
  Job,
  NetworkPolicy,
  Role,
  RoleBinding,
  ConfigMap,
  PersistentVolumeClaim,
  Service,
  ServiceAccount,
];
