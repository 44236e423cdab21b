import type { SshClient } from './ssh-client.ts';

/** What docs/containers.md shows, with these names. */
export function containersSetup(engine: string, far: string, alice: SshClient): string {
  const container = (name: string, more: string, at = engine): string => `
  - name: ${name}
    kind: docker
    engine: ${at}
${more}`;
  return `
users:
  - name: alice
    role: member
    keys: [${JSON.stringify(alice.publicKey)}]
machines:${container('marked', '    container: tools\n    login: app\n    shell_integration: bash')}${container('shop', '    container: { stack: shop, service: web }\n    login: root')}${container('tools', '    container: tools\n    login: app')}${container('brief', '    container: brief\n    login: root')}${container('closed', '    container: tools\n    login: root')}${container('giving', '    container: shop-web-1\n    login: root')}${container('bare', '    container: bare\n    login: root')}${container('far', '    container: tools\n    login: app', far)}
grants:
  - to: { user: alice }
    on: { machine: shop }
    logins: [root]
    allow: [shell, exec, sftp]
  - to: { user: alice }
    on: { machine: tools }
    allow: [shell, exec, sftp]
  - to: { user: alice }
    on: { machine: brief }
    allow: [exec]
  - to: { user: alice }
    on: { machine: closed }
    allow: [sftp]
  - to: { user: alice }
    on: { machine: giving }
    allow: [download]
  - to: { user: alice }
    on: { machine: far }
    allow: [exec]
  - to: { user: alice }
    on: { machine: bare }
    allow: [sftp]
  - to: { user: alice }
    on: { machine: marked }
    allow: [shell]
    shell_integration: true
`;
}
