import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Files that come into a directory together, or not at all. After a failure, such as a full disk, the directory is as it was.
 *
 * The files wait in that directory, since a rename is reliable only within a file system. Their names there are ones that no deploy tool
 * takes for manifests.
 */
export class Staging {
  private readonly made: string | undefined;
  private readonly folder: string;
  private readonly paths: string[] = [];

  /**
   * @param directory where the files go; it is created if need be
   */
  constructor(private readonly directory: string) {
    this.made = mkdirSync(directory, { recursive: true });
    this.folder = mkdtempSync(join(directory, '.synth-'));
  }

  /** @param path where the file will be, below the directory */
  public add(path: string, text: string): void {
    writeFileSync(this.staged(this.paths.push(path) - 1), text);
  }

  /** Adds to the file that was added last. */
  public append(text: string): void {
    appendFileSync(this.staged(this.paths.length - 1), text);
  }

  /**
   * Puts all files in their places. If a rename fails, for example because a directory has a file's name, the files before it stay in
   * place.
   */
  public publish(): void {
    for (const folder of new Set(this.paths.map(path => dirname(join(this.directory, path))))) {
      mkdirSync(folder, { recursive: true });
    }
    this.paths.forEach((path, i) => {
      renameSync(this.staged(i), join(this.directory, path));
    });
    rmSync(this.folder, { recursive: true });
  }

  /** Removes everything, including the directory if it was not there before. */
  public discard(): void {
    rmSync(this.made ?? this.folder, { recursive: true, force: true });
  }

  private staged(position: number): string {
    return join(this.folder, String(position));
  }
}
