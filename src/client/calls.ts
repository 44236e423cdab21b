import type { Operations } from './operations.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** `/v1/users/{id}` -> `/v1/users/${string}`, which the path of a call is compared with. */
type Pattern<Path extends string> = Path extends `${infer Before}{${string}}${infer After}`
  ? `${Before}${string}${Pattern<After>}`
  : Path;

type PathIn<Name, M extends Method> = Name extends `${M} ${infer Path}` ? Pattern<Path> : never;

/** Every path that has the method. */
export type PathOf<M extends Method> = PathIn<keyof Operations, M>;

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

/** `never` where no operation has exactly this path. */
type OperationAt<M extends Method, P extends string> = P extends unknown
  ? {
      [Name in keyof Operations]: Same<PathIn<Name, M>, P> extends true ? Operations[Name] : never;
    }[keyof Operations]
  : never;

/** With any text where one of some words stands: the server judges what a person wrote. */
export type Worded<T> = T extends string
  ? string
  : T extends readonly unknown[]
    ? { readonly [Index in keyof T]: Worded<T[Index]> }
    : T extends object
      ? { readonly [Key in keyof T]: Worded<T[Key]> }
      : T;

export type QueryAt<M extends Method, P extends string> = OperationAt<M, P>['query'];

export type BodyAt<M extends Method, P extends string> = OperationAt<M, P>['body'];

export type AnswerAt<M extends Method, P extends string> = OperationAt<M, P>['answer'];

/** What stands in the `data` of the answer; undefined where it has none. */
export type DataAt<M extends Method, P extends string> =
  AnswerAt<M, P> extends { readonly data: infer Data } ? Data : undefined;

type KeyOfList<Data> = Data extends { readonly pagination: unknown }
  ? Exclude<keyof Data, 'pagination'>
  : never;

/** The lists of rows that an answer in pages has: `users`. */
export type ListKey<P extends string> = KeyOfList<DataAt<'GET', P>> & string;

type RowIn<Data, Key extends string> = Data extends {
  readonly [One in Key]: readonly (infer Row)[];
}
  ? Row
  : never;

/** One row of them. */
export type RowAt<P extends string, Key extends string> = RowIn<DataAt<'GET', P>, Key>;
