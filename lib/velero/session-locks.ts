import type { IConstruct } from 'constructs';
import { InputError } from '../core/input-error';

/** A way to hold a server that two hooks cannot share. */
interface Lock {
  readonly takes: RegExp;
  readonly gives: RegExp;
  /** The lock belongs to the session: another session neither has nor releases it. */
  readonly ofSession: boolean;
}

const LOCKS: Lock[] = [
  {
    takes: /\bflush\s+(?:(?:local|no_write_to_binlog)\s+)?tables\b[^;]*?\b(?:with\s+read\s+lock|for\s+export)|\block\s+tables?\b/i,
    gives: /\bunlock\s+tables/i,
    ofSession: true,
  },
  { takes: /\bbackup\s+stage\s+(?:start|flush|block_ddl|block_commit)/i, gives: /\bbackup\s+stage\s+end/i, ofSession: true },
  { takes: /\block\s+instance\s+for\s+backup/i, gives: /\bunlock\s+instance/i, ofSession: true },
  { takes: /\bpg_(?:start_backup|backup_start)\b/i, gives: /\bpg_(?:stop_backup|backup_stop)\b/i, ofSession: true },
  {
    takes: /\bset\s+(?:global|persist)\s+(?:super_)?read_only\s*=\s*(?:1|on|true)/i,
    gives: /\bread_only\s*=\s*(?:0|off|false)/i,
    ofSession: false,
  },
  { takes: /\bfsyncLock\b|\bfsync\b[^}]*\block\s*:\s*(?:true|1)/, gives: /\bfsyncUnlock\b/, ofSession: false },
  {
    takes: /\bfsfreeze\s+(?:-f|--freeze)\b|\bxfs_freeze\s+-f\b/,
    gives: /\bfsfreeze\s+(?:-u|--unfreeze)\b|\bxfs_freeze\s+-u\b/,
    ofSession: false,
  },
];

/**
 * Refuses hooks that take a lock which another hook is to release. The lock of a session is gone before anything is backed up. Any other
 * lock stays for good when the other hook never runs, and Velero does not run it when this one fails or takes too long.
 * (velero-io/velero#1738, #8858; bitnami/containers#76149.)
 *
 * @param text what the hook runs
 * @throws InputError when it does
 * @internal
 */
export function refuseLocks(scope: IConstruct, prop: string, text: string): void {
  const code = text.replace(/^\s*(?:#|--).*$/gm, '');
  for (const { takes, gives, ofSession } of LOCKS) {
    const [taken] = takes.exec(code) ?? [];
    const [given] = gives.exec(code) ?? [];
    const instead = 'write `quiesce` instead, with one of Quiesce: its agent beside the server holds the lock, and releases it by itself';
    if (taken !== undefined && given === undefined) {
      const because = ofSession
        ? `its lock lasts only as long as its session, which ends with the hook, before anything is backed up; ${instead}`
        : `if the hook fails, or the other hook never runs, the server stays locked for good; ${instead}`;
      throw new InputError(scope, { prop, got: taken, because });
    }
    if (given !== undefined && taken === undefined && ofSession) {
      throw new InputError(scope, {
        prop,
        got: given,
        because: `it releases a lock of another session, which ended before anything was backed up; ${instead}`,
      });
    }
  }
}
