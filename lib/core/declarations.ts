/**
 * What the public classes take, for those who call them without a compiler: JavaScript, or `any`.
 *
 * Written from the sources by `npm run declarations`; a test compares. A name that ends in `?` may be left out; after a type, `|` begins
 * the words of its docstring.
 */

/** Types by name, of parameters or members; `extends` names interfaces whose members are to be added. */
export interface Members {
  readonly [name: string]: string;
}

/** The values of an enumeration. */
export interface Constants {
  readonly [name: string]: string | number;
}

/** All that is declared. */
export interface Declarations {
  readonly calls: { readonly [name: string]: Members };
  readonly structs: { readonly [name: string]: Members };
  readonly enums: { readonly [name: string]: Constants };
  readonly remedies: { readonly [name: string]: string };
}

// ---

/** What constructors ('new <class>'), factories and methods take. */
export const CALLS: { readonly [name: string]: Members } = {
  'AgeMonitor#bind': {
    backup: 'DatabaseBackup',
  },
  'AgeMonitor.of': {
    objectives: 'Objectives | what is promised: `recoveryPoint`, `proof` or both',
    'options?': 'AgeMonitorOptions',
  },
  'Alerts#bind': {
    backup: 'DatabaseBackup',
  },
  'Alerts.of': {
    objectives: 'Objectives | what is promised: alerts are later than that, and synthesis fails where schedules cannot keep it',
    'options?': 'AlertsOptions',
  },
  'Assertion.atLeast': {
    query: 'string',
    minimum: 'number',
    'options?': 'AssertionOptions',
  },
  'Assertion.atMost': {
    query: 'string',
    maximum: 'number',
    'options?': 'AssertionOptions',
  },
  'Assertion.equalTo': {
    query: 'string',
    value: 'string',
    'options?': 'AssertionOptions',
  },
  'BackupPlan#add': {
    '...addons': 'IBackupAddon',
  },
  'BackupPlan#addBackup': {
    id: 'string | also the name of its series unless the options name another',
    options: 'PlannedBackupOptions',
  },
  'CaCertificates.configMap': {
    name: 'string | the ConfigMap',
    key: 'string | the key that holds the certificates',
  },
  'CaCertificates.secret': {
    secret: 'SecretKeyRef',
  },
  'CsiDriver.azureDisk': {
    'options?': 'AzureDiskSnapshotOptions',
  },
  'CsiDriver.cephFs': {
    options: 'CephFsSnapshotOptions',
  },
  'CsiDriver.cephRbd': {
    options: 'CephRbdSnapshotOptions',
  },
  'CsiDriver.cinder': {
    'options?': 'CinderSnapshotOptions',
  },
  'CsiDriver.ebs': {
    'options?': 'EbsSnapshotOptions',
  },
  'CsiDriver.gcePersistentDisk': {
    'options?': 'GcePersistentDiskSnapshotOptions',
  },
  'CsiDriver.longhorn': {
    'options?': 'LonghornSnapshotOptions',
  },
  'CsiDriver.of': {
    name: 'string | its name, as `kubectl get csidrivers` has it',
    'parameters?': '{string} | of its snapshots, or of its group snapshots where it is given to a VolumeGroupSnapshotClass',
  },
  'CsiDriver.openEbsLvm': {
    'options?': 'OpenEbsLvmSnapshotOptions',
  },
  'DataVolume.claim': {
    claimName: 'string | the claim',
    'path?':
      "string | where in the volume the data directory is, as the server's container has it in `subPath` or below its mount; the volume's root if left out",
  },
  'DataVolume.hostPath': {
    path: 'string | the directory on the node',
  },
  'DatabaseBackup#add': {
    '...addons': 'IBackupAddon',
  },
  'DatabaseBackup#addJob': {
    name: 'string | what the job is called, after the series: `<name>.sh` of its scripts is run',
    options: 'BackupJobOptions',
  },
  'DatabaseBackup#addKeyDrill': {
    options: 'KeyDrillOptions',
  },
  'DatabaseBackup#addKeyRotation': {
    options: 'KeyRotationOptions',
  },
  'DatabaseBackup#addLogArchive': {
    'options?': 'LogArchiveOptions',
  },
  'DatabaseBackup#addMirror': {
    repository: 'IRepository | where the copies are kept: any kind, with a password or a compression of its own',
    options: 'MirrorOptions',
  },
  'DatabaseBackup#addPrune': {
    'options?': 'DatabasePruneOptions',
  },
  'DatabaseBackup#addReencryption': {
    'options?': 'ReencryptionOptions',
  },
  'DatabaseBackup#addRestore': {
    'options?': 'DatabaseRestoreOptions',
  },
  'DatabaseBackup#addVerification': {
    'options?': 'DatabaseVerificationOptions',
  },
  'DatabaseMirror#addRestore': {
    'options?': 'DatabaseRestoreOptions',
  },
  'DatabaseMirror#addVerification': {
    'options?': 'DatabaseVerificationOptions',
  },
  'Destination.outside': {
    options: 'OutsideDestinationOptions',
  },
  'Destination.pods': {
    options: 'PodsDestinationOptions',
  },
  'Encryption.age': {
    options: 'AgeEncryptionOptions',
  },
  'Encryption.gpg': {
    options: 'GpgEncryptionOptions',
  },
  'Encryption.gpgSymmetric': {
    options: 'GpgSymmetricEncryptionOptions',
  },
  'Engine.etcd': {
    options: 'EtcdEngineOptions',
  },
  'Engine.etcdControlPlane': {
    options: 'EtcdControlPlaneOptions',
  },
  'Engine.mariadb': {
    options: 'MariadbEngineOptions',
  },
  'Engine.mariadbPhysical': {
    options: 'MariadbPhysicalEngineOptions',
  },
  'Engine.mongodb': {
    options: 'MongodbEngineOptions',
  },
  'Engine.mysql': {
    options: 'MysqlEngineOptions',
  },
  'Engine.mysqlPhysical': {
    options: 'MysqlPhysicalEngineOptions',
  },
  'Engine.openldap': {
    options: 'OpenldapEngineOptions',
  },
  'Engine.postgres': {
    options: 'PostgresEngineOptions',
  },
  'Engine.postgresPhysical': {
    options: 'PostgresPhysicalEngineOptions',
  },
  'Engine.rabbitmq': {
    options: 'RabbitmqEngineOptions',
  },
  'Engine.redis': {
    options: 'RedisEngineOptions',
  },
  'Engine.valkey': {
    options: 'ValkeyEngineOptions',
  },
  'EtcdCluster.kubeadm': {
    nodes: 'EtcdControlPlaneNode[]',
    'options?': 'EtcdKubeadmOptions',
  },
  'EtcdCluster.of': {
    members: 'EtcdMember[]',
  },
  'EtcdCluster.statefulSet': {
    options: 'EtcdStatefulSetOptions',
  },
  'EtcdControlPlaneEngine#bind': {
    scope: 'Construct',
    options: 'EngineBindOptions',
  },
  'EtcdEngine#bind': {
    scope: 'Construct',
    options: 'EngineBindOptions',
  },
  'EtcdTls.files': {
    'options?': 'EtcdTlsFilesOptions',
  },
  'EtcdTls.secret': {
    secret: 'SecretRef',
    'options?': 'EtcdTlsSecretOptions',
  },
  'EtcdVersion.of': {
    release: "string | such as '3.5.21'",
    'image?': "string | an image that ships that release's etcd, etcdctl and, since 3.5, etcdutl; if left out, the project's own image",
  },
  'FileSystemQuiesce#bind': {
    scope: 'Construct',
    options: 'QuiesceBindOptions',
  },
  'FilesRepository#bind': {
    scope: 'Construct',
    options: 'RepositoryBindOptions',
  },
  'FilesRepository#withKey': {
    key: 'SecretKeyRef',
    'passphrase?': 'SecretKeyRef',
  },
  'ImageCatalog#image': {
    scope: 'IConstruct | the construct that takes it',
    request: 'ImageRequest',
  },
  'ImageCatalog.mirror': {
    scope: 'Construct | an app, chart or other construct that has no children yet',
    registry: 'string | a registry, and a path in it if there is one',
  },
  'ImageCatalog.of': {
    scope: 'IConstruct',
  },
  'ImageCatalog.override': {
    scope: 'Construct | an app, chart or other construct that has no children yet',
    images: "{string} | image references by '<engine>:<major version>'",
  },
  'ImageReference#bind': {
    scope: 'IConstruct',
    prop: 'string',
  },
  'ImageReference.of': {
    reference: "string | `[registry/]repository[:tag][@digest]`, such as 'postgres:16.15-bookworm'",
  },
  'JobDefaults#add': {
    options: 'JobOptions',
  },
  'JobDefaults.of': {
    scope: 'Construct',
  },
  'KeyDrill#bind': {
    backup: 'DatabaseBackup',
  },
  'KeyDrill.onDemand': {
    options: 'KeyDrillOptions',
  },
  'LogArchive#bind': {
    backup: 'DatabaseBackup',
  },
  'LogArchive.every': {
    interval: "Duration | no more than this is lost when the server and the archive's own volume are lost together",
    'options?': 'LogArchiveOptions',
  },
  'MariadbEngine#bind': {
    scope: 'Construct',
    options: 'EngineBindOptions',
  },
  'MariadbPhysicalEngine#bind': {
    scope: 'Construct',
    options: 'EngineBindOptions',
  },
  'MariadbQuiesce#bind': {
    scope: 'Construct',
    options: 'QuiesceBindOptions',
  },
  'MariadbVersion.of': {
    series: "string | the release series, e.g. '10.6'",
    image: "string | an image that ships that series' mariadbd, mariadb, mariadb-dump and mariadb-install-db, a shell, GNU tools and zstd",
  },
  'Mirror#bind': {
    backup: 'DatabaseBackup',
  },
  'Mirror.to': {
    repository: 'IRepository | where the copies are kept: any kind, with a password or a compression of its own',
    options: "MirrorOptions | the mirror's name, retention and schedule",
  },
  'MongodbEngine#bind': {
    scope: 'Construct',
    options: 'EngineBindOptions',
  },
  'MongodbQuiesce#bind': {
    scope: 'Construct',
    options: 'QuiesceBindOptions',
  },
  'MongodbVersion.of': {
    series: "string | the release series, e.g. '8.2'",
    image: "string | an image that ships that series' mongod, mongosh, mongodump and mongorestore, a shell and GNU tools",
  },
  'MysqlEngine#bind': {
    scope: 'Construct',
    options: 'EngineBindOptions',
  },
  'MysqlPhysicalEngine#bind': {
    scope: 'Construct',
    options: 'EngineBindOptions',
  },
  'MysqlQuiesce#bind': {
    scope: 'Construct',
    options: 'QuiesceBindOptions',
  },
  'MysqlTls.verified': {
    ca: "SecretKeyRef | the key of a Secret with the authority's certificate, such as SecretRef.named('db-ca').key('ca.crt')",
  },
  'MysqlTls.verifiedByConfigMap': {
    name: "string | the ConfigMap, in the backup's namespace",
    key: 'string | its key',
  },
  'MysqlVersion.of': {
    series: "string | the release series, e.g. '9.8'",
    image: "string | an image that ships that series' mysqld, mysql and mysqldump, a shell, GNU tools and zstd",
  },
  'Notifier#bind': {
    backup: 'DatabaseBackup',
  },
  'Notifier#watch': {
    of: 'Construct | what is told of, with all that is below it',
  },
  'Notifier.healthchecks': {
    options: 'HealthchecksOptions',
  },
  'Notifier.slack': {
    options: 'SlackOptions',
  },
  'Notifier.webhook': {
    options: 'WebhookOptions',
  },
  'ObjectLock.compliance': {
    options: 'ObjectLockOptions',
  },
  'ObjectLock.governance': {
    options: 'ObjectLockOptions',
  },
  'Objectives.of': {
    options: 'ObjectivesOptions',
  },
  'OpenldapEngine#bind': {
    scope: 'Construct',
    options: 'EngineBindOptions',
  },
  'Platform.openShift': {
    scope: 'Construct',
  },
  'PodDefaults#add': {
    options: 'PodOptions',
  },
  'PodDefaults.of': {
    scope: 'Construct',
  },
  'PodServiceAccount.annotated': {
    name: "string | the ServiceAccount's name; not `default`, which all other pods of the namespace have",
    annotations: "{string} | its annotations: `{ 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/backup' }`",
  },
  'PodServiceAccount.named': {
    name: "string | the ServiceAccount's name",
  },
  'PostgresEngine#bind': {
    scope: 'Construct',
    options: 'EngineBindOptions',
  },
  'PostgresPhysicalEngine#bind': {
    scope: 'Construct',
    options: 'EngineBindOptions',
  },
  'PostgresQuiesce#bind': {
    scope: 'Construct',
    options: 'QuiesceBindOptions',
  },
  'PostgresVersion.of': {
    major: "string | the major version, e.g. '19'",
    image: "string | an image that ships that version's client tools, server, a shell, GNU or busybox tools and zstd",
  },
  'Prerequisites.of': {
    scope: 'IConstruct',
  },
  'Prune#bind': {
    backup: 'DatabaseBackup',
  },
  'Prune.weekly': {
    'options?': 'DatabasePruneOptions',
  },
  'Quiesce.fileSystem': {
    options: 'FileSystemQuiesceOptions',
  },
  'Quiesce.mariadb': {
    options: 'MariadbQuiesceOptions',
  },
  'Quiesce.mongodb': {
    options: 'MongodbQuiesceOptions',
  },
  'Quiesce.mysql': {
    options: 'MysqlQuiesceOptions',
  },
  'Quiesce.postgres': {
    options: 'PostgresQuiesceOptions',
  },
  'Quiesce.redis': {
    options: 'RedisQuiesceOptions',
  },
  'Quiesce.valkey': {
    options: 'ValkeyQuiesceOptions',
  },
  'RabbitmqEngine#bind': {
    scope: 'Construct',
    options: 'EngineBindOptions',
  },
  'RabbitmqVersion.of': {
    series: "string | the release series, e.g. '4.3'",
    image: "string | an image that ships that series' rabbitmq-server and rabbitmqctl, Erlang's escript, a shell and GNU tools",
  },
  'RecoveryOrder.of': {
    workload: 'Construct',
    options: 'RecoveryOrderOptions',
  },
  'RecoveryOrder.stepsOf': {
    scope: 'Construct | any construct of the app',
  },
  'RecoveryPoint#bind': {
    scope: 'Construct',
    prop: 'string',
  },
  'RecoveryPoint.at': {
    time: "string | in UTC, such as '2026-08-01T00:00:00Z'; fractions of a second are allowed",
  },
  'RecoveryPoint.id': {
    id: 'string',
  },
  'RedisEngine#bind': {
    scope: 'Construct',
    options: 'EngineBindOptions',
  },
  'RedisQuiesce#bind': {
    scope: 'Construct',
    options: 'QuiesceBindOptions',
  },
  'RedisVersion.of': {
    series: "string | the release series, e.g. '8.4'",
    image: "string | an image that ships that series' redis-server, redis-cli and redis-check-rdb, a shell, and GNU or busybox tools",
  },
  'Repository.files': {
    options: 'FilesRepositoryOptions',
  },
  'Repository.fromExistingRestic': {
    options: 'ResticRepositoryOptions',
  },
  'Repository.restic': {
    options: 'ResticRepositoryOptions',
  },
  'RepositoryCheck.readingAll': {
    options: 'ReadingAllOptions',
  },
  'ResticCache.claim': {
    claimName: "string | the claim, in the backup's namespace",
  },
  'ResticLocation#byProxy': {
    options: 'ProxyOptions',
  },
  'ResticLocation.azure': {
    options: 'ResticAzureOptions',
  },
  'ResticLocation.b2': {
    options: 'ResticB2Options',
  },
  'ResticLocation.gcs': {
    options: 'ResticGcsOptions',
  },
  'ResticLocation.local': {
    options: 'ResticLocalOptions',
  },
  'ResticLocation.rest': {
    options: 'ResticRestOptions',
  },
  'ResticLocation.s3': {
    options: 'ResticS3Options',
  },
  'ResticLocation.sftp': {
    options: 'ResticSftpOptions',
  },
  'ResticRepository#bind': {
    scope: 'Construct',
    options: 'RepositoryBindOptions',
  },
  'ResticRepository#withKey': {
    key: 'SecretKeyRef',
    'passphrase?': 'SecretKeyRef',
  },
  'ResticRepository.fromExisting': {
    options: 'ResticRepositoryOptions',
  },
  'Restore#bind': {
    backup: 'DatabaseBackup',
  },
  'Restore.onDemand': {
    'options?': 'DatabaseRestoreOptions',
  },
  'Retention#bind': {
    scope: 'IConstruct | the construct that takes it',
    prop: "string | what the construct's prop is called",
  },
  'Retention.days': {
    days: 'number',
  },
  'Retention.keep': {
    rules: 'RetentionRules | at least one that keeps something; to keep everything, use Retention.all()',
  },
  'Schedule#bind': {
    scope: 'IConstruct | the construct that takes it; its path decides the offset of a spread',
    prop: "string | what the construct's prop is called",
  },
  'Schedule.cron': {
    expression:
      'string | minute, hour, day of month, month, day of week, in the dialect of Kubernetes: `*`, lists, ranges, steps, JAN to DEC and SUN to SAT; Sunday is 0',
    'options?': 'ScheduleOptions | zone and spread',
  },
  'Schedule.daily': {
    'options?': 'DailyScheduleOptions | the time of day, zone and spread',
  },
  'Schedule.every': {
    interval: 'Duration | a time that divides the hour or the day evenly, since cron starts counting again at each',
    'options?': 'ScheduleOptions | zone and spread',
  },
  'Schedule.hourly': {
    'options?': 'HourlyScheduleOptions | the minute, zone and spread',
  },
  'Schedule.monthly': {
    'options?': 'MonthlyScheduleOptions | the day, time of day, zone and spread',
  },
  'Schedule.weekly': {
    'options?': 'WeeklyScheduleOptions | the day, time of day, zone and spread',
  },
  'ScheduleConfig#deadlineUpTo': {
    limit: 'Duration',
  },
  'ScheduleConfig#intervalUpTo': {
    limit: 'Duration',
  },
  'Scratch.emptyDir': {
    limit: 'Size | the pod is evicted when it writes more than this',
  },
  'Scratch.ephemeralVolume': {
    size: "Size | the volume's size",
    'storageClass?': "string | its class; the cluster's default if left out",
  },
  'ScriptFolder#bind': {
    scope: 'Construct',
  },
  'ScriptFolder.at': {
    name: "string | the folder's part of the ConfigMap's name, e.g. `postgres`",
    '...paths': 'string | the folder on disk; pods see all files of several folders in one',
  },
  'ScriptFolder.of': {
    name: "string | the files' part of the ConfigMap's name",
    files: '{string} | content by file name',
  },
  'SecretKeyRef#toEnvironment': {
    variable: 'string',
  },
  'SecretRef#key': {
    key: "string | the key in the Secret's data, or what `keys` says of it",
  },
  'SecretRef#withUsername': {
    username: 'string',
  },
  'SecretRef.bitnamiPostgresql': {
    name: "string | the Secret's name, `<release>-postgresql` unless the chart was told another",
  },
  'SecretRef.cloudNativePg': {
    cluster: 'string',
  },
  'SecretRef.named': {
    name: "string | the Secret's name",
    'keys?': "{string} | the Secret's own keys, by the ones that are asked for: `{ password: 'postgres-password' }`",
  },
  'SecretRef.pgo': {
    cluster: 'string',
    user: 'string',
  },
  'SecretRef.zalando': {
    cluster: 'string',
    user: 'string',
  },
  'SnapshotMode.native': {
    options: 'NativeSnapshotOptions',
  },
  'ValkeyEngine#bind': {
    scope: 'Construct',
    options: 'EngineBindOptions',
  },
  'ValkeyQuiesce#bind': {
    scope: 'Construct',
    options: 'QuiesceBindOptions',
  },
  'ValkeyVersion.of': {
    series: "string | the release series, e.g. '9.0'",
    image: "string | an image that ships that series' valkey-server, valkey-cli and valkey-check-rdb, a shell, and GNU or busybox tools",
  },
  'VeleroHook.command': {
    options: 'VeleroCommandOptions',
  },
  'VeleroHook.script': {
    options: 'VeleroScriptOptions',
  },
  'VeleroModifierRule.merge': {
    conditions: 'VeleroModifierConditions',
    patch: 'any | a part of the object, as it is to be',
  },
  'VeleroModifierRule.patches': {
    conditions: 'VeleroModifierConditions',
    patches: 'VeleroPatch[]',
  },
  'VeleroModifierRule.strategicMerge': {
    conditions: 'VeleroModifierConditions',
    patch: 'any | a part of the object, as it is to be',
  },
  'VeleroOrderedResources#claims': {
    '...claims': 'string',
  },
  'VeleroOrderedResources#pods': {
    '...pods': 'string',
  },
  'VeleroOrderedResources#resources': {
    resource: "string | the kind, in the plural and without its group: 'statefulsets'",
    objects: 'string[] | each as `namespace/name`, or as `name` where the kind belongs to no namespace',
  },
  'VeleroPatch.add': {
    path: 'string',
    value: 'any',
  },
  'VeleroPatch.copy': {
    from: 'string',
    path: 'string',
  },
  'VeleroPatch.move': {
    from: 'string',
    path: 'string',
  },
  'VeleroPatch.remove': {
    path: 'string',
  },
  'VeleroPatch.replace': {
    path: 'string',
    value: 'any',
  },
  'VeleroPatch.test': {
    path: 'string',
    value: 'any',
  },
  'VeleroProtection.of': {
    workload: 'Construct',
    'options?': 'VeleroProtectionOptions',
  },
  'VeleroVolume.dump': {
    name: 'string | its name in the pod; of a StatefulSet also that of a claim template',
  },
  'VeleroVolume.files': {
    name: 'string | its name in the pod; of a StatefulSet also that of a claim template',
  },
  'VeleroVolume.snapshot': {
    name: 'string | its name in the pod; of a StatefulSet also that of a claim template',
  },
  'VeleroVolumePolicy.fsBackup': {
    conditions: 'VeleroVolumeConditions',
  },
  'VeleroVolumePolicy.skip': {
    conditions: 'VeleroVolumeConditions',
  },
  'VeleroVolumePolicy.snapshot': {
    conditions: 'VeleroVolumeConditions',
  },
  'Verification#bind': {
    backup: 'DatabaseBackup',
  },
  'Verification.daily': {
    'options?': 'DatabaseVerificationOptions',
  },
  'Verification.onDemand': {
    'options?': 'DatabaseVerificationOptions',
  },
  'Verification.weekly': {
    'options?': 'DatabaseVerificationOptions',
  },
  'VolumeCheck.engine': {
    engine: "IEngine | the server's",
    'options?': 'EngineVolumeCheckOptions',
  },
  'VolumeCheck.files': {
    'options?': 'VolumeCheckOptions',
  },
  'VolumeSnapshotGroup#addRestore': {
    'options?': 'VolumeSnapshotGroupRestoreOptions',
  },
  'VolumeSnapshotGroup#addVerification': {
    'options?': 'VolumeSnapshotGroupVerificationOptions',
  },
  'VolumeSnapshotMember.claims': {
    names: 'string[] | those of PersistentVolumeClaims of the namespace',
  },
  'VolumeSnapshotMember.selecting': {
    labels: "{string} | all of them, for example `{ app: 'shop' }`",
  },
  'VolumeSnapshotMember.workload': {
    workload: 'Construct | a StatefulSet or Deployment of cdk8s-plus, or an ApiObject',
    'options?': 'WorkloadMemberOptions',
  },
  'VolumeSnapshotSource.claim': {
    name: "string | the claim's, in the snapshot's namespace",
  },
  'VolumeSnapshotSource.content': {
    name: "string | the content's",
  },
  'XtrabackupVersion.of': {
    series: "string | the series of MySQL it is for, e.g. '9.7'",
    image: 'string | an image with /usr/bin/xtrabackup and /usr/bin/xbstream, a shell and ldd',
  },
  'new BackupAlerts': {
    scope: 'Construct',
    id: 'string',
    props: 'BackupAlertsProps',
  },
  'new BackupApp': {
    'props?': 'object | as for `App`',
  },
  'new BackupJob': {
    scope: 'Construct',
    id: 'string',
    props: 'BackupJobProps',
  },
  'new BackupPlan': {
    scope: 'Construct',
    id: 'string',
    props: 'BackupPlanProps',
  },
  'new BackupWitness': {
    scope: 'Construct',
    id: 'string',
    props: 'BackupWitnessProps',
  },
  'new DatabaseBackup': {
    scope: 'Construct',
    id: 'string',
    props: 'DatabaseBackupProps',
  },
  'new DatabaseLogArchive': {
    scope: 'Construct',
    id: 'string',
    props: 'DatabaseLogArchiveProps',
  },
  'new DatabaseMirror': {
    scope: 'Construct',
    id: 'string',
    props: 'DatabaseMirrorProps',
  },
  'new DatabasePrune': {
    scope: 'Construct',
    id: 'string',
    props: 'DatabasePruneProps',
  },
  'new DatabaseRestore': {
    scope: 'Construct',
    id: 'string',
    props: 'DatabaseRestoreProps',
  },
  'new DatabaseVerification': {
    scope: 'Construct',
    id: 'string',
    props: 'DatabaseVerificationProps',
  },
  'new EtcdControlPlaneEngine': {
    options: 'EtcdControlPlaneOptions',
  },
  'new EtcdEngine': {
    options: 'EtcdEngineOptions',
  },
  'new FileSystemQuiesce': {
    options: 'FileSystemQuiesceOptions',
  },
  'new FilesRepository': {
    options: 'FilesRepositoryOptions',
  },
  'new KeyRotation': {
    scope: 'Construct',
    id: 'string',
    props: 'KeyRotationProps',
  },
  'new MariadbEngine': {
    options: 'MariadbEngineOptions',
  },
  'new MariadbPhysicalEngine': {
    options: 'MariadbPhysicalEngineOptions',
  },
  'new MariadbQuiesce': {
    options: 'MariadbQuiesceOptions',
  },
  'new MongodbEngine': {
    options: 'MongodbEngineOptions',
  },
  'new MongodbQuiesce': {
    options: 'MongodbQuiesceOptions',
  },
  'new MysqlEngine': {
    options: 'MysqlEngineOptions',
  },
  'new MysqlPhysicalEngine': {
    options: 'MysqlPhysicalEngineOptions',
  },
  'new MysqlQuiesce': {
    options: 'MysqlQuiesceOptions',
  },
  'new OpenldapEngine': {
    options: 'OpenldapEngineOptions',
  },
  'new PostgresEngine': {
    options: 'PostgresEngineOptions',
  },
  'new PostgresPhysicalEngine': {
    options: 'PostgresPhysicalEngineOptions',
  },
  'new PostgresQuiesce': {
    options: 'PostgresQuiesceOptions',
  },
  'new ProtectedStatefulSet': {
    scope: 'Construct',
    id: 'string',
    props: 'ProtectedStatefulSetProps',
  },
  'new RabbitmqEngine': {
    options: 'RabbitmqEngineOptions',
  },
  'new RecoveryOrder': {
    scope: 'Construct',
    id: 'string',
    props: 'RecoveryOrderProps',
  },
  'new RedisEngine': {
    options: 'RedisEngineOptions',
  },
  'new RedisQuiesce': {
    options: 'RedisQuiesceOptions',
  },
  'new Reencryption': {
    scope: 'Construct',
    id: 'string',
    props: 'ReencryptionProps',
  },
  'new ResticRepository': {
    options: 'ResticRepositoryOptions',
    'mustExist?': 'boolean | jobs never create the repository; see `fromExisting`',
  },
  'new ScheduleConfig': {
    cron: 'string',
    timeZone: 'string',
    interval: 'Duration',
    'isNever?': 'boolean',
  },
  'new ValkeyEngine': {
    options: 'ValkeyEngineOptions',
  },
  'new ValkeyQuiesce': {
    options: 'ValkeyQuiesceOptions',
  },
  'new VeleroBackup': {
    scope: 'Construct',
    id: 'string',
    props: 'VeleroBackupProps',
  },
  'new VeleroBackupStorageLocation': {
    scope: 'Construct',
    id: 'string',
    props: 'VeleroBackupStorageLocationProps',
  },
  'new VeleroCheck': {
    scope: 'Construct',
    id: 'string',
    props: 'VeleroCheckProps',
  },
  'new VeleroDump': {
    scope: 'Construct',
    id: 'string',
    props: 'VeleroDumpProps',
  },
  'new VeleroProtection': {
    scope: 'Construct',
    id: 'string',
    props: 'VeleroProtectionProps',
  },
  'new VeleroResourceModifiers': {
    scope: 'Construct',
    id: 'string',
    props: 'VeleroResourceModifiersProps',
  },
  'new VeleroResourcePolicies': {
    scope: 'Construct',
    id: 'string',
    props: 'VeleroResourcePoliciesProps',
  },
  'new VeleroRestore': {
    scope: 'Construct',
    id: 'string',
    props: 'VeleroRestoreProps',
  },
  'new VeleroRestoreJob': {
    scope: 'Construct',
    id: 'string',
    props: 'VeleroRestoreJobProps',
  },
  'new VeleroSchedule': {
    scope: 'Construct',
    id: 'string',
    props: 'VeleroScheduleProps',
  },
  'new VeleroVolumeSnapshotLocation': {
    scope: 'Construct',
    id: 'string',
    props: 'VeleroVolumeSnapshotLocationProps',
  },
  'new VolumeFromSnapshot': {
    scope: 'Construct',
    id: 'string',
    props: 'VolumeFromSnapshotProps',
  },
  'new VolumeGroupSnapshotClass': {
    scope: 'Construct',
    id: 'string',
    props: 'VolumeGroupSnapshotClassProps',
  },
  'new VolumeSnapshot': {
    scope: 'Construct',
    id: 'string',
    props: 'VolumeSnapshotProps',
  },
  'new VolumeSnapshotClass': {
    scope: 'Construct',
    id: 'string',
    props: 'VolumeSnapshotClassProps',
  },
  'new VolumeSnapshotGroup': {
    scope: 'Construct',
    id: 'string',
    props: 'VolumeSnapshotGroupProps',
  },
  'new VolumeSnapshotGroupRestore': {
    scope: 'Construct',
    id: 'string',
    props: 'VolumeSnapshotGroupRestoreProps',
  },
  'new VolumeSnapshotGroupVerification': {
    scope: 'Construct',
    id: 'string',
    props: 'VolumeSnapshotGroupVerificationProps',
  },
  'new VolumesFromGroup': {
    scope: 'Construct',
    id: 'string',
    props: 'VolumesFromGroupProps',
  },
  'new VolumesFromSnapshotHandles': {
    scope: 'Construct',
    id: 'string',
    props: 'VolumesFromSnapshotHandlesProps',
  },
};

/** Members of interfaces. */
export const STRUCTS: { readonly [name: string]: Members } = {
  AgeEncryptionOptions: {
    recipients: 'string[] | Public keys, as `age-keygen` prints them: `age1...`',
    'identity?': "SecretKeyRef | The Secret's key with the identity of one of the recipients, or with several, one per line",
    image: 'string | The image from which age is taken, as /usr/bin/age; it has to be static, 1.0 or newer',
  },
  AgeMonitorOptions: {
    extends: 'OnDemandOptions',
    'schedule?': 'Schedule | When it looks',
  },
  AlertsOptions: {
    'witness?':
      "WitnessAlertsOptions | A `BackupWitness` looks at the backup's repository, and one at that of each mirror, and their metrics are scraped: alerts also say what is in the repositories, whatever jobs say. `witness: {}` is enough",
    'labels?':
      "{string} | Labels of the PrometheusRule, by which a Prometheus finds it: what its `ruleSelector` wants, for example `{ release: 'kube-prometheus-stack' }`. (Prometheus Operator's API reference, \"PrometheusSpec\", `ruleSelector`.)",
    'alertLabels?':
      "{string} | Labels of every alert, beside `severity`, `namespace`, `series`, `cronjob` and the like: what an Alertmanager routes by, for example `{ team: 'payments' }`",
    'kubeStateMetrics?':
      "{string} | Labels of the kube-state-metrics that is asked, where a Prometheus has the metrics of several clusters: `{ cluster: 'production' }`",
    'runbookUrl?':
      "string | A page with a heading for each alert: `runbook_url` of an alert is this address, `#`, and the alert's name in lower case",
  },
  AssertionOptions: {
    'database?': 'string | The database to ask',
  },
  AzureDiskSnapshotOptions: {
    'resourceGroup?': 'string | The resource group that keeps the snapshots',
    'incremental?': 'boolean | Whether only what has changed since the snapshot before is stored',
    'tags?': '{string} | Tags of the snapshots in Azure',
  },
  BackupAlertsProps: {
    extends: 'AlertsOptions',
    of: 'IConstruct | What is watched: all CronJobs that this library makes of it, and the archive of its log',
    'objectives?': 'Objectives | What is promised of it',
  },
  BackupJobOptions: {
    extends: 'OnDemandOptions',
    scripts: "ScriptFolder | The job's scripts",
    'access?': "RepositoryAccess | What the job may do in the backup's repository",
    'asksServer?': "boolean | Whether the job can reach the database's server and gets its credentials",
    'schedule?': 'Schedule | When it runs',
    'retries?': 'number | How often a failed run is tried again',
    'environment?': '{string} | Variables of the job, by name',
    'secretFiles?': '{SecretKeyRef} | Keys of Secrets that this job gets as files: `/run/secrets/job/<name>/<name>`',
    'destinations?': 'NetworkDestination[] | What the job has to reach besides the repository, and besides the server if it asks that',
    'scratch?': 'Scratch | Where the job may write what dies with its pod',
  },
  BackupJobProps: {
    extends: 'BackupJobOptions',
    backup: 'IDatabaseBackup | The backup that the job is about',
  },
  BackupOptions: {
    'schedule?': 'Schedule | When backups are made',
    'startingDeadline?': 'Duration | How late a run may start when the cluster could not start it on time',
    'deadline?': 'Duration | The longest that a run may take',
    'retries?': 'number | How often a failed run is tried again',
    'readyTimeout?': 'Duration | How long to wait for the server to accept connections, so that a server that starts late costs no retry',
    'repositoryWait?': 'Duration | How long to wait for a repository that another run has locked, or that does not answer',
    'sizeDropLimit?': 'number | The largest accepted drop in size against the recovery point before, in percent',
    'minimumSize?': 'Size | The size below which a recovery point is refused',
    'cluster?': "string | The cluster that this backup is for: the SHA-256 of the certificates of the cluster's authority",
    'takesOverFrom?': 'string | Where the series comes from, after the database has moved',
    'scratch?': 'Scratch | Where a backup or a restore may write temporary data, which is lost with its pod',
    'pods?': 'PodOptions | How the pods are placed and what they may use',
  },
  BackupPlanProps: {
    extends: 'BackupOptions',
    repository: 'IRepository | Where recovery points are kept',
    retention: 'Retention | Which recovery points are kept',
  },
  BackupWitnessProps: {
    repository: 'IRepository | The repository that it looks at, with all series in it',
    'interval?': 'Duration | How often it lists the repository: whole seconds, from a minute to a day',
    'timeout?': 'Duration | The longest that a listing may take, no less than a minute',
    'name?': 'string | The name of the Deployment, and of what belongs to it',
    'serviceMonitor?': 'ServiceMonitorOptions | A ServiceMonitor for the Prometheus Operator, whose CRD has to be there',
    'scrapeAnnotations?':
      "boolean | Whether the Service has the annotations `prometheus.io/scrape`, `prometheus.io/port` and `prometheus.io/path`, by which Prometheus finds it where it is configured so, as by its community's Helm chart",
    'scrapedBy?': 'ScrapedByOptions | Which pods may ask for the metrics; no others reach the witness',
    'user?': 'number | The user, and group, that reads a volume: the one who wrote the repository, since nobody else can read it',
    'image?': "string | An image with a shell, GNU or busybox tools, and busybox's httpd",
    'scratch?': 'Scratch | Where it remembers which manifests it has read, and restic its copies of index and snapshots',
    'pods?': 'PodOptions | How the pod is placed and what it may use',
  },
  CephFsSnapshotOptions: {
    extends: 'CephSnapshotOptions',
    'fileSystem?': 'string | The file system, which group snapshots need',
  },
  CephRbdSnapshotOptions: {
    extends: 'CephSnapshotOptions',
    'pool?': 'string | The pool of the images, which group snapshots need',
  },
  CephSnapshotOptions: {
    clusterId: "string | The Ceph cluster, by its id in the driver's configuration",
    secret: 'SecretRef | The Secret with the credentials of a Ceph user that may snapshot',
    secretNamespace: 'string | The namespace of that Secret',
    'driverPrefix?': "string | The prefix of the driver's name, if it was installed with one",
  },
  CinderSnapshotOptions: {
    'forceCreate?': "boolean | Takes snapshots of volumes that are in use, such as a running server's; otherwise Cinder refuses them",
  },
  DailyScheduleOptions: {
    extends: 'ScheduleOptions',
    'at?': 'string | The time of day, as HH:MM on a 24-hour clock',
  },
  DatabaseBackupProps: {
    extends: 'BackupOptions, DatabaseOptions',
    repository: 'IRepository | Where recovery points are kept',
    retention: 'Retention | Which recovery points are kept',
  },
  DatabaseLogArchiveProps: {
    extends: 'LogArchiveOptions',
    backup: "IDatabaseBackup | The backup whose server's log is archived",
  },
  DatabaseMirrorProps: {
    extends: 'MirrorOptions',
    backup: 'IDatabaseBackup | The backup whose recovery points are copied',
    repository: 'IRepository | Where the copies are kept: a repository of any kind, with a password or a compression of its own',
  },
  DatabaseOptions: {
    engine: 'IEngine | The kind of database',
    host: 'string | The server: a Service (`orders-db`, `orders-db.shop`), an IP address, or a host name outside the cluster',
    'port?': "number | The server's port",
    'credentials?': 'SecretRef | The Secret with the credentials of a role that may read all of the data',
    'podLabels?': "{string} | Labels of the database's pods",
    'destinations?':
      'Destination[] | Where packets to the server go, for the NetworkPolicies of its jobs; for a cluster, list all of its servers',
    'dataVolume?': "DataVolume | The volume with the server's data directory, for engines whose jobs work on files",
    'series?': 'string | The name under which recovery points are kept in the repository',
  },
  DatabasePruneOptions: {
    'repository?': "IRepository | The backup's repository, with credentials that may delete",
    'schedule?': "Schedule | When recovery points are removed that the backup's retention does not keep",
    'deadline?': 'Duration | The longest that a prune may take',
    'retries?': 'number | How often a failed prune is tried again',
    'pods?': 'PodOptions | How the pods are placed and what they may use',
  },
  DatabasePruneProps: {
    extends: 'DatabasePruneOptions',
    backup: 'IDatabaseBackup | The backup whose recovery points are pruned',
  },
  DatabaseRestoreOptions: {
    'form?': 'RestoreForm | How the restore is started',
    'name?': "string | The suffix of its objects' names, after the series",
    'repository?': "IRepository | The repository to restore from: a mirror, or the backup's own, opened with another key",
    'from?': 'RecoveryPoint | Which recovery point is restored, unless the request says otherwise',
    'safetyBackup?': 'boolean | Back up what the target holds first, as the series `<series>-safety`',
    'request?': "{string} | What else the request says, in the engine's words: for PostgreSQL `database`, `into` and `replace`",
    'host?': 'string | The server to restore to',
    'port?': "number | That server's port",
    'destinations?': 'Destination[] | Where packets to that server go, for the NetworkPolicy; see `destinations` of the backup',
    'credentials?': 'SecretRef | The Secret with the credentials of a role that may create databases and roles',
    'dataVolume?': 'DataVolume | The volume to restore to, for engines that restore files',
    'scratch?': 'Scratch | Where the restore may write what dies with its pod',
    'deadline?': 'Duration | The longest that a restore may take',
    'pods?': 'PodOptions | How the pods are placed and what they may use',
  },
  DatabaseRestoreProps: {
    extends: 'DatabaseRestoreOptions',
    backup: 'IDatabaseBackup | The backup whose recovery points are restored',
  },
  DatabaseVerificationOptions: {
    'name?': "string | The suffix of its objects' names, after the series",
    'repository?':
      "IRepository | The repository whose newest recovery point is verified: a mirror, or the backup's own, opened with another key",
    'schedule?':
      'Schedule | When the newest recovery point is restored and checked. `Schedule.never()` leaves it to `kubectl create job --from`',
    'assertions?': 'Assertion[] | What must be true of the restored data, beyond the counts that every recovery point carries',
    'checkRepository?': 'RepositoryCheck | How the whole repository is checked, too, to find damage to older recovery points',
    'maximumLogAge?':
      'Duration | Where the log is archived: a verification fails when the archive does not hold what the server had written this long ago',
    'maximumAge?': 'Duration | How old the newest recovery point may be',
    'scratch?': 'Scratch | Where the throw-away server keeps the restored data',
    'deadline?': 'Duration | The longest that a verification may take',
    'retries?': 'number | How often a failed verification is tried again',
    'pods?': 'PodOptions | How the pods are placed and what they may use',
  },
  DatabaseVerificationProps: {
    extends: 'DatabaseVerificationOptions',
    backup: 'IDatabaseBackup | The backup that is verified',
  },
  EbsSnapshotOptions: {
    'tags?': '{string} | Tags of the snapshots in AWS. (aws-ebs-csi-driver, docs/tagging.md.)',
    'fastRestoreZones?':
      'string[] | Availability zones in which volumes made from the snapshots are fast from their first read; AWS bills each zone by the hour. (aws-ebs-csi-driver, docs/fast-snapshot-restores.md.)',
  },
  EngineBindOptions: {
    host: "string | The server's host name: a Service, an IP address, or a name outside the cluster",
    'port?': "number | The server's port",
    credentials: 'SecretRef | The Secret with the credentials; each engine documents its keys',
    series: "string | The series, which names the jobs' objects",
  },
  EngineVolumeCheckOptions: {
    extends: 'VolumeCheckOptions',
    'assertions?': 'Assertion[] | What must be true of the data',
    'scratch?': 'Scratch | Where the server writes besides its data directory: its log, sorts, temporary tables',
  },
  EtcdControlPlaneNode: {
    name: "string | The node's name. kubeadm gives the member the same name",
    address: "string | The node's address that the other members use",
  },
  EtcdControlPlaneOptions: {
    extends: 'EtcdOptions',
    'tls?': "EtcdTls | The certificates on the control plane's nodes",
    'bumpRevision?': 'boolean | A restore moves revisions forward by a thousand million',
  },
  EtcdEngineOptions: {
    extends: 'EtcdOptions',
    'tls?': 'EtcdTls | The certificates for the connection to the server',
    'bumpRevision?': 'boolean | A restore moves revisions forward by a thousand million',
    'imageUser?': 'number | The user that the server runs as in its own pod',
  },
  EtcdKubeadmOptions: {
    'walDirectory?': "string | The directory on the nodes that `wal-dir` in etcd's `extraArgs` names",
  },
  EtcdMember: {
    name: 'string | Its `--name`',
    peerUrl: "string | Its `--initial-advertise-peer-urls`: 'https://10.0.0.11:2380'",
    dataVolume: 'DataVolume | The volume with its `--data-dir`',
    'walVolume?':
      'DataVolume | The volume with its `--wal-dir`. etcd replays this log over whatever data it finds, so a restore replaces it, too',
    'node?': "string | The node that has the data volume's directory",
  },
  EtcdOptions: {
    version: "EtcdVersion | The server's release",
    cluster: "EtcdCluster | The cluster's members, to which a restore brings the data back",
    'allowEmpty?': 'boolean | A server without a key is expected, and not an error',
    'snapshotTimeout?': 'Duration | The longest that the server may take to send its snapshot',
    'image?': "string | The image with etcd's programs",
    'toolsImage?': "string | The image that runs the scripts, since etcd's own has no shell",
  },
  EtcdStatefulSetOptions: {
    name: 'string | The StatefulSet',
    'replicas?': 'number | How many members it has',
    service: 'string | Its `serviceName`: the headless Service that members use to find each other',
    'peerTls?': 'boolean | The peer URLs are https',
    'peerPort?': 'number | The port of the peer URLs',
    'peerDomain?':
      "string | The part between the Service and the port in the peer URLs, as the members' flags have it: '.discovery.svc.cluster.local'",
    'claim?': 'string | The claim template of the data directories: the claims are `<claim>-<name>-<ordinal>`',
    'path?': 'string | Where in the volume the data directory is',
    'walClaim?': "string | The claim template of the members' `--wal-dir`",
    'walPath?': 'string | Where in that volume the `--wal-dir` is',
  },
  EtcdTlsFilesOptions: {
    'folder?': 'string | The folder on the node',
    'ca?': "string | The certificate authority's file in it",
    'certificate?': "string | The client certificate's file in it",
    'key?': "string | The client key's file in it",
  },
  EtcdTlsSecretOptions: {
    'clientCertificate?': 'boolean | The server asks for a certificate, and the Secret holds one',
  },
  FileSystemQuiesceOptions: {
    extends: 'QuiesceOptions',
    volume: 'string | The volume to freeze, by its name in the pod',
    'image?': 'string | An image with a shell, GNU or busybox tools, and fsfreeze',
  },
  FilesRepositoryOptions: {
    claimName: "string | The PersistentVolumeClaim that holds the repository, in the backup's namespace",
    'path?': 'string | A directory of the volume, so that several repositories can share it',
    'compression?': 'Compression | How members are stored',
    'encryption?': 'Encryption | How members are encrypted',
    'previousEncryptions?': 'Encryption[] | How older recovery points were encrypted, as long as there are any',
  },
  GcePersistentDiskSnapshotOptions: {
    'storageLocation?': "string | The region or multi-region where the snapshots are stored, such as 'eu' or 'europe-west3'",
    'labels?': '{string} | Labels of the snapshots in Google Cloud',
  },
  GpgEncryptionOptions: {
    recipients: 'string[] | Public keys, each as `gpg --armor --export <fingerprint>` prints it',
    'identity?':
      "SecretKeyRef | The Secret's key with the private key of one of the recipients, as `gpg --armor --export-secret-keys` prints it",
    'passphrase?': 'SecretKeyRef | The passphrase of the private key',
  },
  GpgSymmetricEncryptionOptions: {
    passphrase: 'SecretKeyRef | The passphrase: the first line of that key of a Secret',
  },
  HealthchecksOptions: {
    extends: 'NotifierOptions',
    pingUrl: 'SecretKeyRef | The address below which each CronJob has a check: `https://hc-ping.com/<ping key>`',
  },
  HourlyScheduleOptions: {
    extends: 'ScheduleOptions',
    'minute?': 'number | The minute of the hour, 0 to 59',
  },
  IBackupAddon: {
    bind: 'function',
  },
  IDatabaseBackup: {
    extends: 'IConstruct',
    series: 'string | The name under which recovery points are kept',
    cronJob: 'ApiObject | The CronJob that makes recovery points',
    schedule: 'Schedule | When it runs',
    interval: 'Duration | The longest expected time between two runs',
    props: 'DatabaseBackupProps | What the backup was made with',
  },
  IEngine: {
    bind: 'function',
  },
  IQuiesce: {
    bind: 'function',
  },
  IRepository: {
    bind: 'function',
  },
  IVeleroBackup: {
    csiSnapshotTimeout: 'Duration | How long it waits for a snapshot to be taken',
    itemOperationTimeout: 'Duration | How long it waits for what continues after that, such as moving the data',
    defaultVolumesToFsBackup: 'boolean | Whether every volume is copied file by file, except excluded ones',
    volumeGroupSnapshotLabelKey: 'string | The label by which it groups claims',
  },
  IVolumeSnapshotGroup: {
    extends: 'IConstruct',
    series: 'string | The name under which groups are kept',
    cronJob: 'ApiObject | The CronJob that makes groups',
    interval: 'Duration | The longest expected time between two runs',
    props: 'VolumeSnapshotGroupProps | What the group was made with',
  },
  ImageRequest: {
    key: "string | What the image is for, by which it is overridden: '<engine>:<major version>', such as 'postgres:16'",
    prop: 'string | The prop in which a user names an image, for errors',
    'image?': 'string | The image that the user named for this construct',
    defaultImage: "string | The engine's own choice",
    'floors?': "string[] | The oldest sound release of each series, such as '16.15'",
  },
  JobOptions: {
    'paused?': 'boolean | Begins no run by itself, as `spec.suspend` of every CronJob: for a migration, or a copy of a cluster',
    'successfulJobsHistoryLimit?': 'number | How many Jobs that succeeded are kept beside their CronJob',
    'failedJobsHistoryLimit?': 'number | How many Jobs that failed are kept beside their CronJob',
    'keepFinished?':
      'Duration | How long a Job that has ended is kept: its log, its verdict, and a volume of its own. (Kubernetes documentation, "Automatic Cleanup for Finished Jobs".)',
  },
  KeyDrillOptions: {
    extends: 'DatabaseVerificationOptions',
    key: "SecretKeyRef | The key in escrow: age's identity, gpg's private key, or a password",
    'passphrase?': "SecretKeyRef | The passphrase of that key, where it is gpg's private key",
  },
  KeyRotationOptions: {
    extends: 'OnDemandOptions',
    'add?': 'SecretKeyRef | The password that the repository gets in addition to those it has: the next one, or one that is kept in a safe',
    'remove?': 'SecretKeyRef | The password that the repository loses',
  },
  KeyRotationProps: {
    extends: 'KeyRotationOptions',
    backup: 'IDatabaseBackup | The backup whose repository it is',
  },
  KubernetesJobOptions: {
    'kubectlImage?': 'string | An image with kubectl and a POSIX shell',
    'apiPorts?': 'number[] | The ports on which pods reach the API server, for the NetworkPolicy',
  },
  LogArchiveOptions: {
    'every?': 'Duration | How often the received log is stored',
    'maximumLag?': 'Duration | How far the archive may be behind the server',
    'spoolSize?': 'Size | The size of the volume for what was received and is not stored yet',
    'spoolStorageClass?': "string | That volume's storage class",
    'pods?': 'PodOptions | How the pod is placed and what it may use',
  },
  LonghornSnapshotOptions: {
    'type?': 'LonghornSnapshotType | Where the snapshot is kept',
    'fullBackup?': 'boolean | Whether a backup copies everything, instead of what has changed since the one before',
  },
  MariadbEngineOptions: {
    extends: 'MysqlOptions',
    version: "MariadbVersion | The server's release series",
  },
  MariadbPhysicalEngineOptions: {
    extends: 'MysqlPhysicalOptions',
    version: "MariadbVersion | The server's release series",
    'replicaId?': 'number | The `server_id` of the archive as a receiver of the log',
  },
  MariadbQuiesceOptions: {
    extends: 'MysqlServerQuiesceOptions',
    version: "MariadbVersion | The server's release series",
  },
  MirrorOptions: {
    name: "string | The mirror's name, which ends the names of its objects: `offsite`",
    retention: 'Retention | Which recovery points the mirror keeps, by its own rules',
    'schedule?': 'Schedule | When the mirror copies what it does not have yet',
    'deadline?': 'Duration | The longest that a run may take',
    'retries?': 'number | How often a failed run is tried again',
    'pods?': 'PodOptions | How the pods are placed and what they may use',
    'verification?': 'DatabaseVerificationOptions | Verifies the mirror by restoring from it: `addVerification()` with these options',
    'restore?': 'DatabaseRestoreOptions | Provides a restore from the mirror: `addRestore()` with these options',
  },
  MongodbEngineOptions: {
    version: "MongodbVersion | The server's release series",
    'replicaSet?': "string | The name of the replica set that the host is a member of, such as 'rs0'",
    'oplog?': "boolean | Dumps the oplog of the dump's time, so that a restore brings everything to one instant",
    'databases?': 'string[] | The databases to back up, each as an archive of its own',
    'mongos?': 'boolean | The host is a mongos',
    'allowEmpty?': 'boolean | A server or database without a collection is expected, and not an error',
    'readFrom?': 'MongodbReadFrom | Which member of the replica set is dumped',
    'maximumLag?': 'Duration | How far a secondary may be behind its primary, measured by what a majority of the members has',
    'authenticationDatabase?': 'string | The database that knows the user',
    'tls?': "boolean | Encrypts the connection, and checks the server's certificate",
    'tlsCa?': 'SecretKeyRef | The certificate authorities to trust, as PEM',
    'image?': 'string | The image of the jobs',
    'imageUser?': 'number | The user of that image that MongoDB runs as',
  },
  MongodbQuiesceOptions: {
    extends: 'QuiesceOptions',
    version: "MongodbVersion | The server's release series",
    credentials: 'SecretRef | The Secret with the keys `username` and `password`',
    'replicaSet?': "string | The name of the replica set that the server is a member of, such as 'rs0'",
    'onlyMember?': 'boolean | The server is the only member of its set, or has no set',
    'port?': "number | The server's port in its pod, on 127.0.0.1",
    'authenticationDatabase?': 'string | The database that knows the user',
    'tls?': "boolean | Encrypt the connection, which never leaves the pod, and check who signed the server's certificate",
    'tlsCa?': 'SecretKeyRef | The certificate authorities to trust, as PEM',
    'image?': "string | The image of the agent's container",
    'imageUser?': 'number | The user of that image that mongosh runs as',
  },
  MonthlyScheduleOptions: {
    extends: 'DailyScheduleOptions',
    'day?': 'number | The day of the month, 1 to 28: not every month has later days',
  },
  MysqlEngineOptions: {
    extends: 'MysqlOptions',
    version: "MysqlVersion | The server's release series",
  },
  MysqlOptions: {
    'databases?': 'string[] | The databases to back up',
    'allowEmpty?': 'boolean | A database without a table is expected, and not an error',
    'transactionalOnly?':
      'boolean | A table whose storage engine has no transactions (MyISAM, Aria, MEMORY) fails the run: no dump sees it at the same moment as the others',
    'binlogPosition?':
      "boolean | Notes the position in the binary log of each database's snapshot, which recovery to a point in time needs",
    'checksums?':
      "Size | How much of a database's data gets a checksum (`CHECKSUM TABLE`) beside the dump, in a snapshot of its own, small tables first",
    'lockTimeout?': 'Duration | How long a statement waits for a table that somebody holds',
    'tls?': 'MysqlTls | How the connection to the server is encrypted',
    'image?': 'string | The image of the jobs',
    'imageUser?': 'number | The user of that image that the programs run as',
  },
  MysqlPhysicalEngineOptions: {
    extends: 'MysqlPhysicalOptions',
    version: "MysqlVersion | The server's release series",
    'xtrabackup?': "XtrabackupVersion | The release of Percona XtraBackup, of the server's series",
  },
  MysqlPhysicalOptions: {
    'dataDirectory?': "string | The server's `datadir`, as its own container sees it",
    'allowEmpty?': 'boolean | A server without a table of its users is expected, and not an error',
    'lockTimeout?': 'Duration | How long a backup waits for statements that block its locks',
    'tls?': 'MysqlTls | How the connection to the server is encrypted',
    'image?': "string | The image of the jobs: the server's own, or one with the same server",
    'imageUser?': 'number | The user that the server runs as in its own pod',
  },
  MysqlQuiesceOptions: {
    extends: 'MysqlServerQuiesceOptions',
    version: "MysqlVersion | The server's release series",
    'lock?': 'MysqlLock | The lock that it is held by',
    'longestQuery?':
      'Duration | With `MysqlLock.TABLES`: if a statement has been running for this long, no lock is tried, and the backup fails',
  },
  MysqlServerQuiesceOptions: {
    extends: 'QuiesceOptions',
    credentials: 'SecretRef | The Secret with the keys `username` and `password`',
    'port?': "number | The server's port in its pod, on 127.0.0.1",
    'tls?': 'MysqlTls | How the connection is encrypted; it never leaves the pod',
    'image?': "string | The image of the agent's container",
    'imageUser?': 'number | The user of that image that the client runs as',
  },
  NativeSnapshotOptions: {
    selector:
      '{string} | Labels that the claims of all members have, and no other claim of the namespace: a VolumeGroupSnapshot selects by them',
    'groupClassName?': 'string | The VolumeGroupSnapshotClass of the snapshots',
    'apiVersion?': "GroupSnapshotVersion | The version of the API that the cluster's snapshot controller serves",
  },
  NetworkDestination: {
    host: 'string | A Service (`db`, `db.namespace`, `db.namespace.svc`), an IP address, or a host name outside the cluster',
    port: 'number | TCP port, as the pods behind a Service see it',
    'podLabels?': '{string} | Labels of the pods behind a Service of the cluster',
    'through?': 'Destination[] | Where packets to that host and port go',
  },
  NotifierOptions: {
    'operations?':
      "string[] | Which jobs it is told of: 'backup', 'verify', 'restore', 'mirror', 'prune', 'drill', 'snapshot', and whatever else the label `cdk8s-backup/operation` of jobs says",
    'caCertificates?': "CaCertificates | The authorities that may have signed the receiver's certificate",
    'proxy?': 'ProxyOptions | The proxy by which the receiver is reached',
    'destinations?': 'Destination[] | Where packets to the receiver go, for the NetworkPolicy',
    'watcher?': 'NotifierWatcherOptions | The Deployment that tells',
  },
  NotifierOutcomeOptions: {
    extends: 'NotifierOptions',
    'failures?': 'boolean | A job that has failed, or that cannot run: its image cannot be pulled, no pod is made for it',
    'recoveries?': "boolean | The first success of a CronJob's job after a failure",
    'successes?': 'boolean | Every other success',
  },
  NotifierWatcherOptions: {
    extends: 'KubernetesJobOptions',
    'name?': 'string | Its name, and that of what belongs to it',
    'cluster?': "string | What the cluster is called, in messages: letters, digits, '.', '-' and '_'",
    'interval?': 'Duration | How often it looks: whole seconds, from 10 to 30',
    'timeout?': 'Duration | How long a receiver has for an answer: whole seconds, up to a minute',
    'image?': 'string | An image with curl, a shell, and GNU or busybox tools. kubectl is copied into its pod',
    'pods?': 'PodOptions | How the pod is placed and what it may use',
  },
  ObjectLockOptions: {
    days: "number | How many days the bucket's default retention locks new objects",
    'atLeastDays?': 'number | For how many days, at least, everything in the repository is still locked at any moment',
    'renewal?': 'Schedule | When locks that would end soon are renewed',
  },
  ObjectivesOptions: {
    'recoveryPoint?': 'Duration | How old the newest recovery point may be: no more than this is lost',
    'recoveryTime?':
      'Duration | How long it may take to have the data back, by the measure of the last verification: that is a whole restore, and what it compares',
    'proof?': 'Duration | How long ago a recovery point may have been proven, by a verification that succeeded',
  },
  OnDemandOptions: {
    'deadline?': 'Duration | The longest that the job may take',
    'pods?': 'PodOptions | How the pods are placed and what they may use',
  },
  OpenEbsLvmSnapshotOptions: {
    'snapSize?':
      "string | The space set aside for what changes after the snapshot, as a percentage of the volume ('50%') or a size ('10G')",
  },
  OpenldapEngineOptions: {
    image: "string | The image of the jobs: the server's own, or one with the same release and modules",
    imageUser: 'number | The user that the server runs as in its own pod, as a number',
    mounts: "{string} | Where directories of the server's container are in its `dataVolume`, by their paths in that container",
    'configDirectory?': "string | The directory of the server's configuration, as its container sees it",
    'suffixes?': 'string[] | The suffixes to back up',
    'allowEmpty?': 'boolean | A server without an entry is expected, and not an error',
    'allowPartial?': 'boolean | The account may see less than everything, and what it does not see needs no backup',
    'tlsAuthority?': "SecretKeyRef | The certificate authority that signed the server's certificate, as a PEM file in a Secret",
    'startTls?': 'boolean | TLS begins on the ordinary port, 389, by StartTLS',
  },
  OutsideDestinationOptions: {
    port: 'number | The TCP port',
    'cidr?': "string | The addresses, such as '10.20.0.0/16' or '203.0.113.7/32'",
  },
  PlannedBackupOptions: {
    extends: 'DatabaseOptions, BackupOptions',
    'repository?': 'IRepository | Where recovery points are kept',
    'retention?': 'Retention | Which recovery points are kept',
  },
  PodOptions: {
    'cpuRequest?': 'string | CPU that the scheduler sets aside, as a Kubernetes quantity',
    'memoryRequest?': 'Size | Memory that the scheduler sets aside',
    'cpuLimit?': 'string | The CPU limit of every container of the pod, as a Kubernetes quantity',
    'memoryLimit?': 'Size | Memory at which the container is killed',
    'assignedUser?':
      "boolean | Whether the cluster chooses the pods' user and the group of their volumes, as OpenShift does in every namespace",
    'nodeSelector?': '{string} | Labels that nodes must have',
    'tolerations?': 'any[] | Tolerations, for taints that are not to keep the pods away',
    'nodeAffinity?': 'any | Which nodes the pods must or should run on, where `nodeSelector` cannot say it',
    'topologySpreadConstraints?': 'any[] | How pods that run at one time are spread over nodes or zones',
    'ephemeralStorageRequest?': "Size | Space on the node's disk that the scheduler sets aside for each container that writes there",
    'ephemeralStorageLimit?':
      "Size | Space on the node's disk above which the pod is evicted: its scratch volume, its tools and its logs together",
    'runtimeClassName?': 'string | The RuntimeClass of the pods',
    'priorityClassName?': 'string | The PriorityClass of the pods',
    'imagePullSecrets?': 'string[] | Names of Secrets with credentials of image registries',
    'imagePullPolicy?': "string | When images are pulled: 'Always', 'IfNotPresent' or 'Never'",
    'labels?': '{string} | Further labels of the pods',
    'annotations?': '{string} | Further annotations of the pods',
    'serviceAccount?': 'PodServiceAccount | The service account of pods that use a repository, by which the store may know them',
  },
  PodsDestinationOptions: {
    labels: '{string} | Labels of the pods: those by which their Service selects them',
    'namespace?': "string | The pods' namespace",
    port: "number | The TCP port on which the pods listen: the Service's `targetPort`, since network policies match the pods behind a Service",
  },
  PostgresEngineOptions: {
    version: "PostgresVersion | The server's major version",
    'databases?': 'string[] | The databases to back up',
    'allowEmpty?': 'boolean | A database without a table is expected, and not an error',
    'maintenanceDatabase?': 'string | A database to connect to when none in particular is meant',
    'checksums?':
      "Size | How much of a database's data gets a checksum while its rows are counted, in the snapshot of the dump, small tables first",
    'lockTimeout?': 'Duration | How long a dump waits for a table that somebody holds exclusively',
    'jobs?': 'number | Parallel jobs of a restore and of a verification',
    'sslMode?': "string | libpq's sslmode for the connection to the server: disable, allow, prefer, require, verify-ca, verify-full",
    'caCertificates?': "CaCertificates | The certificates of the authorities that may have signed the server's",
    'scratchSettings?': '{string} | Settings of the server that a verification starts, by name',
    'image?': 'string | The image of the jobs',
    'imageUser?': 'number | The user of that image that PostgreSQL runs as: 999 in Debian images, 70 in Alpine ones',
  },
  PostgresPhysicalEngineOptions: {
    version: "PostgresVersion | The server's major version",
    'primary?': "string | The primary's host, if `host` names a replica",
    'replayTimeout?': 'Duration | How long to wait for the replica',
    'maxRate?': "Size | The most that a base backup reads in a second, to spare a busy server's disk",
    'incrementals?': 'number | How many incremental backups follow a full one',
    'slotLimit?': 'Size | The most log that the server may keep for an archive that is down',
    'slot?': 'string | The replication slot of the log archive',
    'maintenanceDatabase?': 'string | A database to connect to',
    'jobs?': "number | Parallel jobs of a verification's pg_amcheck",
    'allowEmpty?': 'boolean | A server without a table of its users is expected, and not an error',
    'sslMode?': "string | libpq's sslmode for the connection to the server: disable, allow, prefer, require, verify-ca, verify-full",
    'caCertificates?': "CaCertificates | The certificates of the authorities that may have signed the server's",
    'image?': 'string | The image of the jobs',
    'imageUser?': 'number | The user of that image that PostgreSQL runs as: 999 in Debian images, 70 in Alpine ones',
  },
  PostgresQuiesceOptions: {
    extends: 'PreparationOptions',
    version: "PostgresVersion | The server's major version",
    credentials: 'SecretRef | The Secret with the keys `username` and `password`',
    'port?': "number | The server's port in its pod, on 127.0.0.1",
    'maintenanceDatabase?': 'string | A database to connect to',
    'sslMode?': "string | libpq's sslmode for the connection, which never leaves the pod: disable, allow, prefer, require",
    'image?': "string | The image of the agent's container",
    'imageUser?': 'number | The user of that image that the client runs as: 999 in Debian images, 70 in Alpine ones',
  },
  PreparationOptions: {
    'wait?': 'Duration | The longest that the preparation may take, in whole seconds from 2 to an hour',
  },
  ProtectedClaim: {
    name: "string | Its name in the pods, and the first part of the claims' names: `<name>-<pod>`",
    size: 'Size | The size of each',
    mountPath: 'string | Where the container mounts it',
    'container?': 'string | The container that mounts it',
    'storageClass?': 'string | The storage class',
  },
  ProtectedStatefulSetProps: {
    extends: 'StatefulSetProps',
    claims: 'ProtectedClaim[] | A volume of its own for each pod, which cdk8s-plus-27 cannot express',
    protection: 'VeleroProtectionOptions | How Velero backs them up',
  },
  ProxyOptions: {
    url: 'string | Its URL, with a scheme and without user and password: `http://proxy.acme.example:3128`',
    'destinations?': 'Destination[] | Where packets to the proxy go, for the NetworkPolicies of jobs',
  },
  QuiesceBindOptions: {
    volumes: 'string[] | The volumes of the pod that are snapshotted, by their names in the pod',
  },
  QuiesceOptions: {
    'limit?': 'Duration | The longest that the server is held, in whole seconds from 5 to an hour',
    'wait?': 'Duration | The longest to wait until the server is held, in whole seconds, at least 2 and less than `limit`',
  },
  RabbitmqEngineOptions: {
    version: "RabbitmqVersion | The broker's release series",
    'allowEmpty?': 'boolean | A broker without a queue and an exchange of its own is expected, and not an error',
    'plugins?':
      'string[] | The plug-ins of the broker that its definitions need: for types of exchanges, for parameters of shovels and federation',
    'tlsAuthority?':
      'SecretKeyRef | The certificate authority that signed the certificate of the management interface, as a PEM file in a Secret',
    'image?': 'string | The image of the jobs',
    'imageUser?': 'number | The user of that image that the jobs run as',
  },
  ReadingAllOptions: {
    over: 'number | In how many verifications, from 1 to 256',
  },
  RecoveryOrderOptions: {
    'priority?': 'number | Of several workloads that could come next, the one with the highest priority does',
    'dependsOn?': 'Construct[] | Workloads of this app that have to be back before: databases before the applications that use them',
  },
  RecoveryOrderProps: {
    extends: 'RecoveryOrderOptions',
    workload: 'Construct | A StatefulSet, Deployment or DaemonSet of cdk8s-plus, its ApiObject, or a construct around one',
  },
  RedisEngineOptions: {
    extends: 'RedisOptions',
    version: "RedisVersion | The server's release series",
  },
  RedisOptions: {
    'allowEmpty?': 'boolean | A server without a key is expected, and not an error',
    'clusterNode?':
      'boolean | The host is one node of a Redis Cluster, always the same one, and the other primaries have backups of their own',
    'dumpFile?': "string | The server's `dbfilename`",
    'appendFile?': "string | The server's `appendfilename`",
    'appendDirectory?': "string | The server's `appenddirname`",
    'tlsAuthority?': "SecretKeyRef | The certificate authority that signed the server's certificate, as a PEM file in a Secret",
    'tlsClient?': 'SecretRef | A Secret with `tls.crt` and `tls.key`, for servers that ask for a client certificate',
    'image?': 'string | The image of the jobs',
    'imageUser?': 'number | The user that the server runs as in its own pod',
  },
  RedisQuiesceOptions: {
    extends: 'RedisServerQuiesceOptions',
    version: "RedisVersion | The server's release series",
  },
  RedisServerQuiesceOptions: {
    extends: 'PreparationOptions',
    'credentials?':
      'SecretRef | The Secret with the keys `username` and `password`; for a server with `requirepass` the username is `default`',
    'port?': "number | The server's port in its pod, on 127.0.0.1",
    'tlsAuthority?': "SecretKeyRef | The certificate authority that signed the server's certificate, as a PEM file in a Secret",
    'tlsClient?': 'SecretRef | A Secret with `tls.crt` and `tls.key`, for servers that ask for a client certificate',
    'image?': "string | The image of the agent's container",
    'imageUser?': 'number | The user of that image that the client runs as',
  },
  ReencryptionOptions: {
    extends: 'OnDemandOptions',
    'repository?':
      "IRepository | The repository with keys that only this job is to have: the backup's own, with the old encryption among its `previousEncryptions`",
  },
  ReencryptionProps: {
    extends: 'ReencryptionOptions',
    backup: 'IDatabaseBackup | The backup whose recovery points are encrypted again',
  },
  RepositoryBindOptions: {
    access: 'RepositoryAccess | What the job may do',
    'series?': 'string | The series that the job works on',
    'isSource?': 'boolean | The job copies from this repository into another one',
    longestRun: 'Duration | The longest that a run may take',
    programs: "string[] | The programs of `zstd`, `gzip`, `flock`, `gpg` and `gpg-agent` that the job's image ships",
    'incremental?': 'boolean | Backups are incremental: a job that makes a recovery point reads earlier ones',
  },
  ResticAzureOptions: {
    container: 'string | The blob container',
    'prefix?': 'string | A prefix in the container',
    'credentials?': 'SecretRef | A Secret with the keys `accountName` and `accountKey`',
    'accountName?': 'string | The storage account, where no Secret names it',
  },
  ResticB2Options: {
    bucket: 'string | The bucket',
    'prefix?': 'string | A prefix in the bucket',
    credentials: 'SecretRef | A Secret with the keys `accountId` and `accountKey`',
  },
  ResticGcsOptions: {
    bucket: 'string | The bucket',
    'prefix?': 'string | A prefix in the bucket',
    'credentials?': "SecretKeyRef | The key of a Secret that holds the service account's JSON file",
    projectId: "string | The project, which restic needs to create the repository's bucket",
  },
  ResticLocalOptions: {
    claimName: "string | The PersistentVolumeClaim, in the backup's namespace",
    'path?': 'string | A directory of the volume',
  },
  ResticRepositoryOptions: {
    location: 'ResticLocation | Where the repository is',
    password: "SecretKeyRef | The repository's password",
    'image?': 'string | The image from which the restic binary and the CA certificates are taken; 0.17 or newer',
    'appendOnly?': 'boolean | The credentials may add and read, but neither delete nor overwrite anything except locks',
    'caCertificates?': "CaCertificates | The authorities that may have signed the server's certificate",
    'uploadLimit?': 'Size | The most that is sent in a second, in whole kibibytes. (`--limit-upload`.)',
    'downloadLimit?': 'Size | The most that is received in a second, in whole kibibytes',
    'cache?': "ResticCache | Where copies of the repository's index are kept",
  },
  ResticRestOptions: {
    url: "string | The server's URL, with a path for the repository, without user and password: `https://backup.example/shop/`",
    'sameAs?':
      'string | The URL under which others use the same repository, if this is another server over the same directory: one of the two is append-only',
    'credentials?': 'SecretRef | A Secret with the keys `username` and `password`',
    'destinations?': 'Destination[] | Where packets to the server go, for the NetworkPolicies of jobs',
  },
  ResticS3Options: {
    bucket: 'string | The bucket',
    'prefix?': 'string | A prefix in the bucket',
    'region?': "string | The bucket's region",
    'endpoint?': "string | The store's URL",
    'destinations?': 'Destination[] | Where packets to the store go, for the NetworkPolicies of jobs',
    'bucketLookup?':
      'S3BucketLookup | How the bucket is addressed. (restic\'s documentation, "Preparing a new repository", S3-compatible Storage: `-o s3.bucket-lookup`.)',
    'storageClass?': 'S3StorageClass | The storage class of new objects. (`restic options`: `-o s3.storage-class`.)',
    'credentials?': 'SecretRef | A Secret with the keys `accessKeyId` and `secretAccessKey`',
    'versioned?': 'boolean | The bucket keeps old versions of its objects, and what is deleted is only hidden',
    'objectLock?': 'ObjectLock | The lock that the bucket puts on new objects; see `ObjectLock`',
    'rcloneImage?': 'string | The image from which rclone is taken, for restores `asOf` and for the renewal of locks',
  },
  ResticSftpOptions: {
    host: "string | The server's host name",
    'port?': "number | The server's port",
    'destinations?': 'Destination[] | Where packets to the server go, for the NetworkPolicies of jobs',
    user: 'string | The user to log in as',
    path: 'string | The directory of the repository',
    credentials:
      "SecretRef | A Secret with the keys `privateKey` and `knownHosts`: a private key without a passphrase, and the server's public key as in OpenSSH's known_hosts",
    'image?': 'string | The image from which rclone is taken',
  },
  RetentionRules: {
    'last?': 'number | How many of the newest recovery points are kept, however close together',
    'hourly?': 'number | How many of the last hours keep their newest recovery point',
    'daily?': 'number | How many of the last days keep their newest recovery point',
    'weekly?': 'number | How many of the last ISO weeks keep their newest recovery point',
    'monthly?': 'number | How many of the last months keep their newest recovery point',
    'yearly?': 'number | How many of the last years keep their newest recovery point',
    'within?': 'Duration | All recovery points that are younger than the newest by less than this',
    'atLeast?': 'number | How many of the newest recovery points stay whatever the rules say, 1 or more',
  },
  ScheduleOptions: {
    'timeZone?': "string | The time zone in which the clock is read: an IANA name such as 'Europe/Berlin', rendered as `spec.timeZone`",
    'spread?': 'Duration | Spreads starts, so that backups with one schedule do not all start at once',
  },
  ScrapedByOptions: {
    'namespace?': 'string | The namespace of the pods that scrape: `monitoring`',
    'labels?': "{string} | Labels of those pods: `{ 'app.kubernetes.io/name': 'prometheus' }`",
  },
  ServiceMonitorOptions: {
    'labels?':
      "{string} | Labels of the ServiceMonitor, by which a Prometheus finds it: what its `serviceMonitorSelector` wants, for example `{ release: 'kube-prometheus-stack' }`. (Prometheus Operator's API reference, \"PrometheusSpec\", `serviceMonitorSelector`.)",
  },
  SlackOptions: {
    extends: 'NotifierOutcomeOptions',
    webhook: 'SecretKeyRef | Its address, which is a secret: whoever has it can write into the channel',
  },
  SnapshotClassOptions: {
    driver: 'CsiDriver | The CSI driver of the volumes, with its parameters',
    'name?': 'string | The name that snapshots refer to',
    'deletionPolicy?': 'SnapshotDeletionPolicy | What happens to a snapshot when its object is deleted',
    'isDefault?': "boolean | Whether snapshots of this driver's volumes use it when they name no class",
    'usedByVelero?':
      'boolean | Whether Velero uses it for volumes of this driver. (Velero\'s documentation, "Container Storage Interface Snapshot Support".)',
  },
  ValkeyEngineOptions: {
    extends: 'RedisOptions',
    version: "ValkeyVersion | The server's release series",
  },
  ValkeyQuiesceOptions: {
    extends: 'RedisServerQuiesceOptions',
    version: "ValkeyVersion | The server's release series",
  },
  VeleroBackupProps: {
    extends: 'VeleroBackupTemplate, VeleroObjectOptions',
  },
  VeleroBackupStorageLocationProps: {
    extends: 'VeleroObjectOptions',
    provider: "string | The name of the provider's plugin: 'aws' (and whatever speaks S3), 'azure', 'gcp'",
    bucket: 'string | The bucket, or container',
    'prefix?': 'string | The directory in it, for Velero alone',
    'config?': "{string} | The provider's settings: `{ region: 'eu-central-1' }`",
    'credentials?': "SecretKeyRef | The Secret in Velero's namespace with the provider's credentials",
    'caCertificate?':
      "SecretKeyRef | The Secret in Velero's namespace with the certificate of the authority that signed the store's certificate",
    'readOnly?':
      "boolean | Backups can be restored from it, but none are written or deleted: for another cluster's backups, or for a drill",
    'isDefault?': 'boolean | Whether backups that name no location go there',
    'backupSyncPeriod?': 'Duration | How often Velero lists the backups there',
    'validationFrequency?': 'Duration | How often Velero checks that it can be reached',
  },
  VeleroBackupTemplate: {
    extends: 'VeleroFilter',
    'includedNamespaceScopedResources?': 'string[] | The only resources of namespaces',
    'excludedNamespaceScopedResources?': 'string[] | Resources of namespaces that are left out',
    'includedClusterScopedResources?': 'string[] | The only resources without a namespace',
    'excludedClusterScopedResources?': 'string[] | Resources without a namespace that are left out',
    'ttl?': 'Duration | How long a backup is kept',
    'storageLocation?': 'string | The BackupStorageLocation',
    'volumeSnapshotLocations?': 'string[] | The VolumeSnapshotLocations, one for each provider',
    'snapshotVolumes?': 'boolean | Whether volumes are snapshotted',
    'snapshotMoveData?':
      'boolean | Moves the data of CSI snapshots into the storage location, so that they outlive the storage system; the snapshots themselves are deleted',
    'dataMover?': 'string | What moves the data',
    'defaultVolumesToFsBackup?': 'boolean | Copies every volume file by file, except excluded ones',
    'parallelFilesUpload?': 'number | How many files are uploaded at once, for a copy file by file or moved data',
    'csiSnapshotTimeout?': 'Duration | How long to wait for a CSI snapshot to be taken',
    'itemOperationTimeout?': 'Duration | How long to wait for what continues after that, such as moving the data',
    'orderedResources?': 'VeleroOrderedResources | What is backed up first',
    'resourcePolicies?': 'VeleroResourcePolicies | Which volumes are snapshotted, copied or skipped',
    'volumeGroupSnapshotLabelKey?': 'string | The label by which claims are grouped: claims with the same value are snapshotted at once',
    'backupLabels?': '{string} | Labels of the Backups',
  },
  VeleroCheckProps: {
    extends: 'VeleroJobOptions',
    veleroSchedule: 'VeleroSchedule | The schedule whose backups are checked',
    'schedule?': 'Schedule | When the check runs',
    'maximumAge?': 'Duration | How long ago the newest good backup may have begun',
    'expectedHooks?': 'number | The least number of hooks that have to have run in it; a quiesce has two in every pod',
    'expectedVolumes?': 'number | The least number of volumes that have to be in it: snapshotted, moved or copied file by file',
    'nodeAgent?': "boolean | Whether Velero's node agent has to run, on every node where it belongs",
    'pods?': 'PodOptions | How the pods are placed and what they may use',
  },
  VeleroCommandOptions: {
    extends: 'VeleroHookOptions',
    command: 'string[] | The program and its arguments, each an item of its own',
  },
  VeleroDumpProps: {
    backup: 'DatabaseBackup | The backup that is made before Velero takes its volume',
    'timeout?': 'Duration | How long the dump may take',
    'veleroBackup?': "IVeleroBackup | The backup of Velero's that contains the pod",
    'pods?': 'PodOptions | How the pod is placed and what it may use',
  },
  VeleroFilter: {
    'includedNamespaces?': 'string[] | The only namespaces',
    'excludedNamespaces?': 'string[] | Namespaces that are left out',
    'includedResources?': "string[] | The only resources, in the plural, with their group if needed: 'statefulsets.apps'",
    'excludedResources?': 'string[] | Resources that are left out',
    'includeClusterResources?': 'boolean | Whether resources without a namespace are included',
    'labelSelector?': 'VeleroLabelSelector | Selects objects by their labels',
    'orLabelSelectors?': 'VeleroLabelSelector[] | Selects objects by their labels: one of the selectors has to match',
  },
  VeleroHookOptions: {
    'container?': 'string | The container in which it runs',
    'timeout?': 'Duration | How long it may take',
    'onError?': 'VeleroOnError | What happens when it fails',
  },
  VeleroInitHook: {
    image: 'string | The image, with a tag or a digest',
    command: 'string[] | The program and its arguments',
    'name?': "string | The container's name",
  },
  VeleroJobOptions: {
    extends: 'KubernetesJobOptions',
    'veleroDeployment?': "string | The name of Velero's Deployment",
  },
  VeleroLabelRequirement: {
    key: 'string | The label',
    operator: 'VeleroLabelOperator | How it is compared',
    'values?': 'string[] | What it is compared with',
  },
  VeleroLabelSelector: {
    'matchLabels?': '{string} | Labels that an object must have',
    'matchExpressions?': 'VeleroLabelRequirement[] | Further conditions on its labels',
  },
  VeleroMatch: {
    path: "string | Where, as a JSON pointer: '/spec/storageClassName'",
    value: 'string | The value there, as text',
  },
  VeleroModifierConditions: {
    groupResource: "string | The resource, in the plural with its group: 'persistentvolumeclaims', 'deployments.apps'. '*' is any",
    'resourceNameRegex?': 'string | A regular expression (RE2) that fits the name',
    'namespaces?': 'string[] | One of these namespaces, by their names when they were backed up',
    'labelSelector?': 'VeleroLabelSelector | Labels of the object',
    'matches?': 'VeleroMatch[] | Values that it must have',
  },
  VeleroObjectOptions: {
    'name?': 'string | Its name',
    'namespace?': 'string | The namespace in which Velero runs: it looks for its objects nowhere else',
  },
  VeleroProtectionOptions: {
    'volumes?': 'VeleroVolume[] | How the volumes of its pods get into the backup',
    'preHook?': 'VeleroHook | Runs before a pod is backed up',
    'postHook?': 'VeleroHook | Runs after a pod is backed up, and its volumes are snapshotted or copied',
    'quiesce?': 'IQuiesce | Holds the server still while its volumes are snapshotted',
    'restoreHook?': 'VeleroHook | Runs in a restored pod when its container runs',
    'restoreWait?': 'Duration | How long a restore waits for that container',
    'restoreWaitForReady?': 'boolean | Whether it waits until the container is ready, and not only running',
    'restoreInit?': 'VeleroInitHook | Runs in a restored pod before its own containers',
    'volumeGroup?': 'string | Puts the claims of a StatefulSet into one volume group of this name',
    'backup?': 'IVeleroBackup | The backup that contains the pods',
  },
  VeleroProtectionProps: {
    extends: 'VeleroProtectionOptions',
    workload: 'Construct | A StatefulSet, Deployment or DaemonSet of cdk8s-plus, its ApiObject, or a construct around one',
  },
  VeleroResourceModifiersProps: {
    extends: 'VeleroObjectOptions',
    rules: 'VeleroModifierRule[] | The rules: each one that matches an object changes it, one after the other',
  },
  VeleroResourcePoliciesProps: {
    extends: 'VeleroObjectOptions',
    'volumePolicies?': 'VeleroVolumePolicy[] | What is done with volumes',
    'includedNamespaceScopedResources?': 'string[] | The only resources of namespaces',
    'excludedNamespaceScopedResources?': 'string[] | Resources of namespaces that are left out',
    'includedClusterScopedResources?': 'string[] | The only resources without a namespace',
    'excludedClusterScopedResources?': 'string[] | Resources without a namespace that are left out',
  },
  VeleroRestoreJobProps: {
    extends: 'VeleroRestoreTemplate, VeleroJobOptions',
    'name?': 'string | The name of the CronJob, and of the Restores that it makes',
    'namespace?': 'string | The namespace in which Velero runs',
    'deadline?': 'Duration | How long the job waits for the restore',
    'pods?': 'PodOptions | How the pods are placed and what they may use',
  },
  VeleroRestoreProps: {
    extends: 'VeleroRestoreTemplate, VeleroObjectOptions',
  },
  VeleroRestoreTemplate: {
    extends: 'VeleroFilter',
    'backupName?': 'string | The Backup that is restored',
    'scheduleName?': 'string | The Schedule whose newest completed Backup is restored',
    'namespaceMapping?': "{string} | New names of the backup's namespaces: from the original name to the new one",
    'existingResourcePolicy?': 'VeleroExistingResourcePolicy | What is done with objects that are there already',
    'resourceModifiers?': 'VeleroResourceModifiers | Changes objects on their way',
    'backupsAtRest?':
      'boolean | Whether the jobs of this library come back at rest: CronJobs and Jobs suspended, log archives scaled to zero',
    'restoreVolumes?': 'boolean | Whether volumes come back with their data',
    'restoreStatusOf?': 'string[] | Resources that get back their old status',
    'preserveNodePorts?': 'boolean | Whether Services keep their node ports',
    'parallelFilesDownload?': 'number | How many files are downloaded at once',
    'writeSparseFiles?': 'boolean | Whether blocks of zeros in files take no space on the volume',
    'itemOperationTimeout?': 'Duration | How long to wait for what continues after the objects are there, such as moving data back',
  },
  VeleroScheduleProps: {
    extends: 'VeleroBackupTemplate, VeleroObjectOptions',
    schedule:
      'Schedule | When backups are made. `Schedule.never()` pauses it: somebody makes them, with `velero backup create --from-schedule`',
  },
  VeleroScriptOptions: {
    extends: 'VeleroHookOptions',
    path: "string | The script's file, on the machine that synthesizes: `join(__dirname, 'flush.sh')`",
    'arguments?': 'string[] | Its arguments',
  },
  VeleroVolumeConditions: {
    'minimumCapacity?': 'Size | The least capacity',
    'maximumCapacity?': 'Size | The largest capacity',
    'storageClasses?': 'string[] | One of these storage classes',
    'csiDriver?': 'string | The CSI driver',
    'csiVolumeAttributes?': '{string} | Attributes of the CSI volume',
    'volumeTypes?': "string[] | One of these kinds of volume, by their names in a pod: 'emptyDir', 'nfs'",
    'nfsServer?': 'string | The server of an NFS volume',
    'claimLabels?': '{string} | Labels of the claim',
    'claimPhases?': "string[] | One of these phases of the claim: 'Pending', 'Lost'. (Velero 1.18.)",
  },
  VeleroVolumeSnapshotLocationProps: {
    extends: 'VeleroObjectOptions',
    provider: "string | The name of the provider's plugin: 'aws', 'azure', 'gcp'",
    'config?': "{string} | The provider's settings: `{ region: 'eu-central-1' }`",
    'credentials?': "SecretKeyRef | The Secret in Velero's namespace with the provider's credentials",
  },
  VolumeCheckOptions: {
    'claims?': "string[] | The claims whose volumes get this check, such as 'data-orders-db-0'",
    'path?': "string | Where in the volume the data directory is, as the server's container has it in `subPath` or below its mount",
  },
  VolumeFromSnapshotProps: {
    snapshotName: "string | The VolumeSnapshot, in the claim's namespace",
    size: "Size | The volume's size: at least the snapshot's `status.restoreSize`, or the driver makes no volume",
    'name?': "string | The claim's name",
    'storageClassName?': 'string | The StorageClass: one of the driver that took the snapshot',
    'accessModes?': 'any[] | Who may mount it',
    'volumeMode?': 'any | Whether it is a file system or a block device',
    'labels?': '{string} | Further labels of the claim',
  },
  VolumeGroupSnapshotClassProps: {
    extends: 'SnapshotClassOptions',
    'apiVersion?': "GroupSnapshotVersion | The version of the API that the cluster's snapshot controller serves",
  },
  VolumeSnapshotClassProps: {
    extends: 'SnapshotClassOptions',
  },
  VolumeSnapshotGroupProps: {
    extends: 'KubernetesJobOptions',
    members: 'VolumeSnapshotMember[] | The volumes, and the servers that are held still while their snapshots are taken',
    retention: 'Retention | Which groups are kept',
    'series?': 'string | The name under which groups are kept',
    'schedule?': 'Schedule | When groups are made',
    'startingDeadline?': 'Duration | How late a run may start when the cluster could not start it on time',
    'mode?': 'SnapshotMode | How the snapshots become one group',
    'snapshotClassName?': "string | The VolumeSnapshotClass of a coordinated group's snapshots",
    'cutTimeout?': 'Duration | The longest that servers may be held: from the first that is held until every snapshot is cut',
    'readyTimeout?': 'Duration | The longest to wait until every snapshot can be used, with nothing held any more',
    'retries?': 'number | How often a failed run is tried again',
    'pods?': 'PodOptions | How the pods are placed and what they may use',
  },
  VolumeSnapshotGroupRestoreOptions: {
    'from?': 'RecoveryPoint | Which group is restored, unless the request says otherwise',
    'claims?':
      "{string} | The claims that are restored, and their new names, by the claims that were snapshotted: `{ 'data-db-0': 'data-trial-0' }`",
    'storageClassName?': 'string | The StorageClass of the new claims, of the same driver',
    'labels?': '{string} | Labels of all new claims',
    'bindTimeout?': 'Duration | The longest to wait until the new claims have volumes',
  },
  VolumeSnapshotGroupRestoreProps: {
    extends: 'VolumeSnapshotGroupRestoreOptions',
    group: 'IVolumeSnapshotGroup | The group',
  },
  VolumeSnapshotGroupVerificationOptions: {
    'checks?': 'VolumeCheck[] | How the volumes are checked',
    'schedule?': 'Schedule | When the newest group is checked. `Schedule.never()` leaves it to `kubectl create job --from`',
    'storageClassName?': 'string | The StorageClass of the volumes that are made for the checks',
    'checkDeadline?': 'Duration | The longest that the check of one volume may take, including the creation of the volume',
    'maximumAge?': 'Duration | How long ago the newest good group may have begun',
    'retries?': 'number | How often a failed verification is tried again',
    'pods?': 'PodOptions | How the pods that check are placed and what they may use',
  },
  VolumeSnapshotGroupVerificationProps: {
    extends: 'VolumeSnapshotGroupVerificationOptions',
    group: 'IVolumeSnapshotGroup | The group',
  },
  VolumeSnapshotProps: {
    source: 'VolumeSnapshotSource | What it is made of',
    'name?': 'string | Its name',
    'snapshotClassName?': 'string | The VolumeSnapshotClass that takes it',
  },
  VolumesFromGroupProps: {
    extends: 'VolumesFromSnapshotsOptions',
    group: 'IVolumeSnapshotGroup | The group',
    recoveryPoint: "RecoveryPoint | Which recovery point, by its id: `RecoveryPoint.id('20260801T023000Z-x7k2p')`",
    'claims?': 'string[] | The claims of the group that are restored',
  },
  VolumesFromSnapshotHandlesProps: {
    extends: 'VolumesFromSnapshotsOptions',
    driver: 'CsiDriver | The driver that took the snapshots',
    handles:
      "{string} | The snapshots' names in the storage system, by the claims that were snapshotted: `{ 'data-db-0': 'snap-0a1b2c3d' }`",
  },
  VolumesFromSnapshotsOptions: {
    size: 'Size | The size of each volume: at least that of the snapshotted one',
    'sizes?': '{Size} | Other sizes, by the claims that were snapshotted',
    'names?': "{string} | New names, by the claims that were snapshotted: `{ 'data-db-0': 'data-trial-0' }`",
    'storageClassName?': 'string | The StorageClass: one of the driver that took the snapshots',
    'accessModes?': 'any[] | Who may mount them',
    'labels?': '{string} | Further labels of the claims',
  },
  WebhookOptions: {
    extends: 'NotifierOutcomeOptions',
    url: 'SecretKeyRef | Its address',
    'signingKey?': 'SecretKeyRef | A key that the receiver has, too',
  },
  WeeklyScheduleOptions: {
    extends: 'DailyScheduleOptions',
    'on?': 'Weekday | The day of the week',
  },
  WitnessAlertsOptions: {
    'labels?': "{string} | Labels of its metrics, where a Prometheus has those of several clusters: `{ cluster: 'production' }`",
    'mirrors?': 'boolean | Whether alerts are about the mirrors of the backup, too',
  },
  WorkloadMemberOptions: {
    'quiesce?': 'IQuiesce | How its server is held still while the snapshots are taken',
    'volumes?': 'string[] | The volumes that are snapshotted, by their names in the pod',
  },
};

/** Values of enumerations. */
export const ENUMS: { readonly [name: string]: Constants } = {
  Compression: {
    ZSTD: 'zstd',
    GZIP: 'gzip',
    NONE: 'none',
  },
  GroupSnapshotVersion: {
    V1: 'v1',
    V1BETA2: 'v1beta2',
    V1BETA1: 'v1beta1',
  },
  LonghornSnapshotType: {
    SNAPSHOT: 'snap',
    BACKUP: 'bak',
  },
  MongodbReadFrom: {
    SECONDARY_PREFERRED: 'secondaryPreferred',
    SECONDARY: 'secondary',
    PRIMARY: 'primary',
  },
  MysqlLock: {
    INSTANCE: 'instance',
    TABLES: 'tables',
  },
  RepositoryAccess: {
    READ: 'read',
    WITNESS: 'witness',
    VERIFY: 'verify',
    RESTORE: 'restore',
    APPEND: 'append',
    PRUNE: 'prune',
    REKEY: 're-key',
    RENEW_LOCKS: 'renew-locks',
  },
  RestoreForm: {
    ON_DEMAND: 'on-demand',
    JOB: 'job',
  },
  S3BucketLookup: {
    PATH: 'path',
    DNS: 'dns',
  },
  S3StorageClass: {
    STANDARD: 'STANDARD',
    STANDARD_IA: 'STANDARD_IA',
    ONEZONE_IA: 'ONEZONE_IA',
    INTELLIGENT_TIERING: 'INTELLIGENT_TIERING',
    REDUCED_REDUNDANCY: 'REDUCED_REDUNDANCY',
  },
  SnapshotDeletionPolicy: {
    DELETE: 'Delete',
    RETAIN: 'Retain',
  },
  VeleroExistingResourcePolicy: {
    NONE: 'none',
    UPDATE: 'update',
  },
  VeleroLabelOperator: {
    IN: 'In',
    NOT_IN: 'NotIn',
    EXISTS: 'Exists',
    DOES_NOT_EXIST: 'DoesNotExist',
  },
  VeleroOnError: {
    FAIL: 'Fail',
    CONTINUE: 'Continue',
  },
  Weekday: {
    SUNDAY: 0,
    MONDAY: 1,
    TUESDAY: 2,
    WEDNESDAY: 3,
    THURSDAY: 4,
    FRIDAY: 5,
    SATURDAY: 6,
  },
};

/** What makes a value of a type. */
export const REMEDIES: { readonly [name: string]: string } = {
  Assertion: 'Assertion.atLeast(...), Assertion.atMost(...), Assertion.equalTo(...)',
  CaCertificates: 'CaCertificates.configMap(...), CaCertificates.secret(...)',
  CsiDriver: 'CsiDriver.ebs(...), CsiDriver.gcePersistentDisk(...), CsiDriver.azureDisk(...), CsiDriver.cinder(...), ...',
  DataVolume: 'DataVolume.claim(...), DataVolume.hostPath(...)',
  DatabaseBackup: 'new DatabaseBackup(...)',
  Destination: 'Destination.pods(...), Destination.outside(...)',
  Encryption: 'Encryption.age(...), Encryption.gpg(...), Encryption.gpgSymmetric(...)',
  EtcdCluster: 'EtcdCluster.statefulSet(...), EtcdCluster.kubeadm(...), EtcdCluster.of(...)',
  EtcdTls: 'EtcdTls.secret(...), EtcdTls.files(...)',
  EtcdVersion: 'EtcdVersion.V3_4, V3_5, V3_6, EtcdVersion.of(...)',
  IBackupAddon: 'Verification.daily(...), Verification.weekly(...), Verification.onDemand(...), Restore.onDemand(...), ...',
  IDatabaseBackup: '',
  IEngine: 'Engine.mariadb(...), Engine.mariadbPhysical(...), Engine.mysql(...), Engine.mysqlPhysical(...), ...',
  IQuiesce: 'Quiesce.mariadb(...), Quiesce.mysql(...), Quiesce.mongodb(...), Quiesce.postgres(...), ...',
  IRepository: 'Repository.files(...), Repository.restic(...), Repository.fromExistingRestic(...), ResticRepository.fromExisting(...)',
  IVeleroBackup: '',
  IVolumeSnapshotGroup: '',
  MariadbVersion: 'MariadbVersion.V10_11, V11_4, V11_8, V12_3, MariadbVersion.of(...)',
  MongodbVersion: 'MongodbVersion.V6_0, V7_0, V8_0, MongodbVersion.of(...)',
  MysqlTls: 'MysqlTls.disabled(), MysqlTls.encrypted(), MysqlTls.verified(...), MysqlTls.verifiedByConfigMap(...)',
  MysqlVersion: 'MysqlVersion.V8_0, V8_4, V9_7, MysqlVersion.of(...)',
  ObjectLock: 'ObjectLock.governance(...), ObjectLock.compliance(...)',
  Objectives: 'Objectives.of(...)',
  PodServiceAccount: 'PodServiceAccount.named(...), PodServiceAccount.annotated(...)',
  PostgresVersion: 'PostgresVersion.V14, V15, V16, V17, V18, PostgresVersion.of(...)',
  RabbitmqVersion: 'RabbitmqVersion.V3_13, V4_0, V4_1, V4_2, RabbitmqVersion.of(...)',
  RecoveryPoint: 'RecoveryPoint.newest(), RecoveryPoint.newestVerified(), RecoveryPoint.id(...), RecoveryPoint.at(...)',
  RedisVersion: 'RedisVersion.V7_2, V7_4, V8_0, V8_2, V8_8, V8_10, RedisVersion.of(...)',
  RepositoryCheck: 'RepositoryCheck.none(), RepositoryCheck.structure(), RepositoryCheck.readingAll(...)',
  ResticCache: 'ResticCache.scratch(), ResticCache.none(), ResticCache.claim(...)',
  ResticLocation: 'ResticLocation.local(...), ResticLocation.rest(...), ResticLocation.s3(...), ResticLocation.gcs(...), ...',
  Retention: 'Retention.keep(...), Retention.days(...), Retention.all()',
  Schedule: 'Schedule.cron(...), Schedule.hourly(...), Schedule.daily(...), Schedule.weekly(...), ...',
  Scratch: 'Scratch.emptyDir(...), Scratch.ephemeralVolume(...)',
  ScriptFolder: 'ScriptFolder.at(...), ScriptFolder.of(...)',
  SecretKeyRef: 'SecretRef.named(...).key(...)',
  SecretRef: 'SecretRef.named(...), SecretRef.cloudNativePg(...), SecretRef.pgo(...), SecretRef.zalando(...), ...',
  SnapshotMode: 'SnapshotMode.coordinated(), SnapshotMode.native(...)',
  ValkeyVersion: 'ValkeyVersion.V7_2, V8_0, V8_1, ValkeyVersion.of(...)',
  VeleroHook: 'VeleroHook.command(...), VeleroHook.script(...)',
  VeleroModifierRule: 'VeleroModifierRule.patches(...), VeleroModifierRule.merge(...), VeleroModifierRule.strategicMerge(...)',
  VeleroOrderedResources: 'VeleroOrderedResources.none()',
  VeleroPatch: 'VeleroPatch.add(...), VeleroPatch.replace(...), VeleroPatch.remove(...), VeleroPatch.test(...), ...',
  VeleroResourceModifiers: 'new VeleroResourceModifiers(...)',
  VeleroResourcePolicies: 'new VeleroResourcePolicies(...)',
  VeleroSchedule: 'new VeleroSchedule(...)',
  VeleroVolume: 'VeleroVolume.snapshot(...), VeleroVolume.dump(...), VeleroVolume.files(...)',
  VeleroVolumePolicy: 'VeleroVolumePolicy.skip(...), VeleroVolumePolicy.snapshot(...), VeleroVolumePolicy.fsBackup(...)',
  VolumeCheck: 'VolumeCheck.engine(...), VolumeCheck.files(...)',
  VolumeSnapshotMember: 'VolumeSnapshotMember.workload(...), VolumeSnapshotMember.claims(...), VolumeSnapshotMember.selecting(...)',
  VolumeSnapshotSource: 'VolumeSnapshotSource.claim(...), VolumeSnapshotSource.content(...)',
  XtrabackupVersion: 'XtrabackupVersion.V8_0, V8_4, XtrabackupVersion.of(...)',
};
