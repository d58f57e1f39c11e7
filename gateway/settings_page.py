"""The page docs/settings.md, made from the settings: `ngazi settings > docs/settings.md`."""

from __future__ import annotations

from gateway import providers
from gateway.channels import OPTIONS
from gateway.settings import declared


def describe() -> str:
    """The whole page."""
    settings = []
    for each in declared().values():
        without = each.without or (f"`{each.default}`" if each.default else "none")
        settings.append(f"| `{each.name}` | {without} | {each.doc} |")
    return PAGE.format(
        settings="\n".join(settings),
        options="\n".join(f"| `{name}` | {doc} |" for name, doc in OPTIONS.items()),
        providers=", ".join(f"`{name}`" for name in providers.names()),
    )


PAGE = """# Settings

Environment variables. None is needed to try the gateway out: `make run`.

| Setting | Without it | Meaning |
|---|---|---|
{settings}

## Channels

One channel is `<name>=<provider>://<user>:<key>@?<option>=<value>&<option>=<value>`. Several have blanks
between them:

```sh
NGAZI_CHANNELS='ke=africastalking://user:key@?code=*384*77%23&country=KE&secret=3TPUoqZk5rQb7GdX
  mg=twilio://ACsid:token@?from=+15005550006&secret=9hVw2cLxYf0mJsNd'
```

Inside user, key and values, signs with a meaning in addresses are written in code: `#` as `%23`, `@` as
`%40`, `/` as `%2F`, `:` as `%3A`, `?` as `%3F`, `&` as `%26`, `%` as `%25`, a blank as `%20`.
`python3 -c 'import secrets; print(secrets.token_urlsafe(24))'` makes a secret.

The provider is told to call `<public address>/in/<name>/<secret>/<what>`. What is `ussd`, `ussd-end`, `sms`,
`delivery` or `optout` at Africa's Talking, and `sms` or `delivery` at Twilio. A USSD callback always gets a
screen. Another callback that cannot be stored, since the database is away, is answered 503: the provider
brings it again.

Providers: {providers}. A simulator can play any phone number, so it does not start next to a real channel.

| Option | Meaning |
|---|---|
{options}
"""
