/** How a volume of a protected pod gets into the backup. */
export enum VeleroVolumeMethod {
  /** By a snapshot of its claim. */
  SNAPSHOT = 'snapshot',
  /** File by file: what the pre hook has written. */
  DUMP = 'dump',
  /** File by file: files that no server has open. */
  FILES = 'files',
}

/**
 * A volume of a protected pod, and how it gets into the backup. Copied file by file (Velero's fs-backup), a running server's files are
 * torn: each is of a different moment. A server that is restored from them may not start, or start with wrong data.
 */
export class VeleroVolume {
  /**
   * By a CSI snapshot of its claim, which shows one moment. The volume is excluded from file-level copies, whatever the backup's default
   * is.
   *
   * @param name its name in the pod; of a StatefulSet also that of a claim template
   */
  public static snapshot(name: string): VeleroVolume {
    return new VeleroVolume(name, VeleroVolumeMethod.SNAPSHOT);
  }

  /**
   * File by file: a dump that the pre hook has written, and that no server has open.
   *
   * @param name its name in the pod; of a StatefulSet also that of a claim template
   */
  public static dump(name: string): VeleroVolume {
    return new VeleroVolume(name, VeleroVolumeMethod.DUMP);
  }

  /**
   * File by file: files that are written once and then only read, such as uploads. Never use it for a server's data directory.
   *
   * @param name its name in the pod; of a StatefulSet also that of a claim template
   */
  public static files(name: string): VeleroVolume {
    return new VeleroVolume(name, VeleroVolumeMethod.FILES);
  }

  private constructor(
    /** Its name in the pod. */
    public readonly name: string,
    /** How it gets into the backup. */
    public readonly method: VeleroVolumeMethod,
  ) {}
}
