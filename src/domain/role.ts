/** Roles are bundles of scopes (spec/api.md, "/v1: conventions"). */

export const SCOPES = [
  'sessions:read',
  'sessions:write',
  'recordings:read',
  'recordings:raw',
  'machines:read',
  'machines:write',
  'users:read',
  'users:write',
  'audit:read',
  'stats:read',
  'redeploy',
  'admin',
] as const;

export type Scope = (typeof SCOPES)[number];

export function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text);
}

export const ROLES = ['admin', 'member', 'viewer'] as const;

export type Role = (typeof ROLES)[number];

const ROLE_SCOPES: Readonly<Record<Role, readonly Scope[]>> = {
  admin: ['admin'],
  member: ['sessions:read', 'sessions:write', 'recordings:read', 'machines:read', 'redeploy'],
  viewer: ['sessions:read', 'recordings:read', 'machines:read', 'stats:read'],
};

export function scopesOfRole(role: Role): readonly Scope[] {
  return ROLE_SCOPES[role];
}

/** `admin` holds every scope. */
export function holdsScope(held: readonly Scope[], wanted: Scope): boolean {
  return held.includes('admin') || held.includes(wanted);
}
