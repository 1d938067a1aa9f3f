/** A key of a Secret or a ConfigMap. */
export interface PrerequisiteKey {
  /** The key in its data; `*` where all are read. */
  readonly key: string;
  /** It is read as a file, and not as a variable. */
  readonly isFile: boolean;
  /** What it becomes, and where: `PGPASSWORD of CronJob orders-backup, orders-restore`. */
  readonly usedAs: string[];
}

/** An object that has to be there, and that the app does not make. */
export interface Prerequisite {
  /** Its kind: Secret, ConfigMap, PersistentVolumeClaim, StorageClass, CustomResourceDefinition ... */
  readonly kind: string;
  /** Its name. */
  readonly name: string;
  /**
   * Its namespace.
   * @default - its kind belongs to none, or the chart has none, and it is where the chart is applied to
   */
  readonly namespace?: string;
  /** The keys that are read, of a Secret or a ConfigMap. */
  readonly keys: PrerequisiteKey[];
  /** What it is for, as far as somebody has said: `signs in at the server of orders`. */
  readonly purposes: string[];
  /** The objects that refer to it: `CronJob orders-backup`. */
  readonly usedBy: string[];
  /** Pods start without it. What a job of this library lacks then, it says when it runs. */
  readonly isOptional: boolean;
  /** It is a Secret by which images are pulled. */
  readonly pullsImages: boolean;
}

/** A role that somebody makes in a database, and what it has to be allowed there. */
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
  /** What is typed at the server, in its own language; words in angle brackets are to be replaced. */
  readonly grants: string[];
}
