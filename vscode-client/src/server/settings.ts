import { SETTING_KEYS, USER_SETTINGS } from "../settingKeys";

/** Where a value was set, as VS Code reports it. */
export interface Inspected {
  globalValue?: unknown;
  workspaceValue?: unknown;
  workspaceFolderValue?: unknown;
}

/**
 * The settings of one folder as the server takes them: nested, in its spelling, and only those that the user has set.
 *
 * The defaults that VS Code knows are left out on purpose: sent along, they would hide what environment variables, the
 * project's `.codecontext.toml` and the user's own `config.yaml` say. So is `null`, which says nothing either; "no
 * adapter, whatever those say" is an empty path.
 */
export function serverSettings(inspect: Inspect): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const [keys, value] of given(inspect)) {
    place(settings, keys, value);
  }
  return settings;
}

/** The same as environment variables, for a command that runs alongside the server; `folder` is the workspace folder. */
export function settingVariables(inspect: Inspect, folder: string): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [keys, value] of given(inspect)) {
    const filled = withFolder(value, folder);
    variables[`CODECONTEXT_${keys.join("__").toUpperCase()}`] =
      typeof filled === "string" ? filled : JSON.stringify(filled);
  }
  return variables;
}

type Inspect = (key: string) => Inspected | undefined;

function* given(inspect: Inspect): Generator<[string[], unknown]> {
  for (const [key, serverKey] of Object.entries(SETTING_KEYS)) {
    const found = inspect(key);
    const ofWorkspace = USER_SETTINGS.has(serverKey)
      ? undefined
      : (found?.workspaceFolderValue ?? found?.workspaceValue);
    const value = ofWorkspace ?? found?.globalValue;
    if (value !== undefined && value !== null) {
      yield [serverKey.split("."), value];
    }
  }
}

function withFolder(value: unknown, folder: string): unknown {
  if (Array.isArray(value)) {
    return value.map((one: unknown) => withFolder(one, folder));
  }
  return typeof value === "string" ? value.replaceAll("${workspaceFolder}", folder) : value;
}

function place(tree: Record<string, unknown>, [first = "", ...rest]: string[], value: unknown): void {
  if (rest.length === 0) {
    tree[first] = value;
    return;
  }
  tree[first] ??= {};
  place(tree[first] as Record<string, unknown>, rest, value);
}
