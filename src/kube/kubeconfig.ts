import { KubeConfig } from '@kubernetes/client-node';
import { reasonOf } from '../domain/log.ts';
import { IN_CLUSTER } from '../domain/pod-place.ts';
import { ClusterFailure } from './failure.ts';
import type { Access, LibrarySettings } from './questions.ts';

/**
 * One cluster's part of the kubeconfig, or of the service account. Read anew each time, so that both
 * can be replaced. Throws ClusterFailure: no such context, or one with what is denied here.
 */
export function clusterConfig(name: string, settings: LibrarySettings): KubeConfig {
  const config = new KubeConfig();
  if (name === IN_CLUSTER) {
    config.loadFromCluster(settings.root);
    const { server } = config.getCurrentCluster() ?? { server: '' };
    if (server.includes('undefined')) {
      throw denied('Postern itself runs in no cluster (KUBERNETES_SERVICE_HOST is not set)');
    }
    return config;
  }
  if (settings.kubeconfig === null) throw denied('POSTERN_KUBECONFIG names no kubeconfig');
  load(config, settings.kubeconfig);
  const context = config.getContexts().find((one) => one.name === name);
  if (context === undefined)
    throw denied('no context of the kubeconfig has its name', `${name} in ${settings.kubeconfig}`);
  config.setCurrentContext(name);
  checkCluster(config, context.cluster);
  checkUser(config, context.user);
  return config;
}

function load(config: KubeConfig, file: string): void {
  try {
    config.loadFromFile(file);
  } catch (error) {
    // A parser's message shows the lines around, and there are secrets in them.
    const isYaml = error instanceof Error && error.name === 'YAMLException';
    const why = isYaml ? 'it is no YAML' : reasonOf(error);
    throw denied('the kubeconfig cannot be read', `${file}: ${why}`);
  }
}

function checkCluster(config: KubeConfig, name: string): void {
  const cluster = config.getClusters().find((one) => one.name === name);
  if (cluster === undefined) throw denied('its context names a cluster that is not there', name);
  if (!cluster.server.startsWith('https://')) throw denied('its server is no https:// address');
  if (cluster.skipTLSVerify) throw denied('it has insecure-skip-tls-verify');
  if (cluster.proxyUrl) throw denied('it has a proxy-url, which is not possible here');
}

/** What would run programs here, or send a password, is not for a bastion. */
function checkUser(config: KubeConfig, name: string): void {
  const user = config.getUsers().find((one) => one.name === name);
  if (user === undefined) throw denied('its context names a user who is not there', name);
  if (user.exec) throw denied('its user needs a program to be run (exec)', name);
  if (user.authProvider) throw denied('its user has an auth-provider', name);
  if (user.username) throw denied('its user has a password', name);
  const hasCertificate = Boolean(user.certData ?? user.certFile);
  if (user.token || hasCertificate) return;
  throw denied('its user has neither a token nor a client certificate', name);
}

function denied(reason: string, detail = reason): ClusterFailure {
  return new ClusterFailure('setting', reason, detail);
}

/** What a connection of our own to the same server needs. Throws ClusterFailure. */
export async function accessOf(config: KubeConfig): Promise<Access> {
  const server = config.getCurrentCluster()?.server ?? '';
  const options: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (error) {
    throw denied('what it is spoken to with cannot be read', reasonOf(error));
  }
  const { ca, cert, key } = options;
  const servername = 'servername' in options ? options.servername : undefined;
  const headers = Object.entries(options.headers ?? {}).map(([one, value]) => [one, String(value)]);
  return {
    server,
    ...(ca instanceof Uint8Array && { ca }),
    ...(cert instanceof Uint8Array && { cert }),
    ...(key instanceof Uint8Array && { key }),
    ...(typeof servername === 'string' && { servername }),
    headers: Object.fromEntries(headers) as Record<string, string>,
  };
}
