/** A key of a Secret or a ConfigMap. */
export interface PrerequisiteKey {
  /** The key in its data; `*` where all are read. */
  readonly key: string;
  /** It is read as a file, not as a variable. */
  readonly isFile: boolean;
  /** What it becomes, and where: `PGPASSWORD of CronJob orders-backup, orders-restore`. */
  readonly usedAs: string[];
}

/** An object that has to exist, and that the app does not make. */
export interface Prerequisite {
  /** Its kind: Secret, ConfigMap, PersistentVolumeClaim, StorageClass, CustomResourceDefinition ... */
  readonly kind: string;
  /** Its name. */
  readonly name: string;
  /**
   * Its namespace.
   * @default - its kind has none, or the chart has none: it is where the chart is applied
   */
  readonly namespace?: string;
  /** The keys that are read, of a Secret or a ConfigMap. */
  readonly keys: PrerequisiteKey[];
  /** What it is for, if somebody has said so: `signs in at the server of orders`. */
  readonly purposes: string[];
  /** The objects that refer to it: `CronJob orders-backup`. */
  readonly usedBy: string[];
  /** Pods start without it. A job of this library says, when it runs, what it lacks. */
  readonly isOptional: boolean;
  /** It is a Secret by which images are pulled. */
  readonly pullsImages: boolean;
}

/** A role that somebody has to create in a database, and its rights there. */
export interface PrerequisiteRole {
  /** What is done as it: `backs up orders (postgres at orders-db)`. */
  readonly does: string[];
  /** The Secret with its name and password. */
  readonly secret: string;
  /**
   * That Secret's namespace.
   * @default - the chart has none
   */
  readonly namespace?: string;
  /** What to type at the server, in its own language. Replace the words in angle brackets. */
  readonly grants: string[];
}
