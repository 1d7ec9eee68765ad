"""Who receives, and in which words: the dialects of the exchange, all behind one protocol.

A receiver words messages, takes them, and reads back what it has. The push, the reconciliation and the trace know the
protocol only; which receiver it is the site says (`province.dialect`, `province.route`), or for one run the environment
(`WANGTING_PROVINCE_DIALECT`, `WANGTING_PROVINCE_ROUTE`).
"""

from typing import TYPE_CHECKING, Any, get_args

from wangting import settings
from wangting.errors import WangtingError
from wangting.site import Province, Site

if TYPE_CHECKING:
    from exchange.receivers.protocol import Receiver


def manners(site: Site) -> Province:
    """How the site's receiver is spoken to, with what the environment or a running simulator chooses for this run.

    Raises:
        WangtingError: the environment names a dialect or route that there is not.
    """
    chosen: dict[str, Any] = {}
    for name in ("dialect", "route"):
        value = settings.chosen(f"PROVINCE_{name.upper()}")
        known = get_args(Province.model_fields[name].annotation)
        if value is not None and value not in known:
            raise WangtingError(
                f"不认识 {value}", place=f"WANGTING_PROVINCE_{name.upper()}", mend=f"可用：{'、'.join(known)}"
            )
        if value is not None:
            chosen[name] = value
    dialect = chosen.get("dialect", site.province.dialect)
    if dialect == "xml":
        chosen["batch"] = 1
    if dialect == "front_end" and chosen.get("route", site.province.route) != "direct":
        raise WangtingError(
            "前置库没有经共享平台的路由", place="WANGTING_PROVINCE_ROUTE", mend="改为 direct，或换一种报文"
        )
    return site.province.model_copy(update=chosen)


def receiver_of(site: Site) -> "Receiver":
    """The site's receiver; use it as an asynchronous context manager.

    Raises:
        WangtingError: an address, a credential or a certificate is not set or not usable, or an alias does not fit the
            specification; only names are shown, never values.
    """
    province = manners(site)
    if province.dialect == "front_end":
        from exchange.receivers.front_end import FrontEndReceiver

        return FrontEndReceiver(site, province)
    if province.dialect == "json":
        from exchange.receivers.json_messages import JsonReceiver

        return JsonReceiver(site, province)
    from exchange.receivers.xml_messages import XmlReceiver

    return XmlReceiver(site, province)
