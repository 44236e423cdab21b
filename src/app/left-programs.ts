import type { Config } from '../config/load.ts';
import { LeftPrograms } from '../control/left-programs.ts';
import type { Logger } from '../domain/log.ts';
import type { Store } from '../domain/store.ts';
import { Engines } from '../engine/engine.ts';
import { KubeClusters } from '../kube/clusters.ts';
import { leftProgramsEnder } from '../targets/left-programs.ts';
import type { Closers } from './closers.ts';

/** From now on, what sessions have left in containers and pods is ended. */
export function endLeftPrograms(
  { engineCerts: certificates, kubeconfig }: Config,
  parts: { readonly store: Store; readonly node: string; readonly log: Logger },
  closers: Closers,
): void {
  const engines = new Engines({ certificates });
  const clusters = new KubeClusters({ kubeconfig });
  closers.add('the clusters where programs may be left', () => clusters.close());
  const end = leftProgramsEnder({ engines, clusters });
  closers.begin('ending what is left in containers', new LeftPrograms({ ...parts, end }));
}
