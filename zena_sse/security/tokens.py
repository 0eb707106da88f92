"""JSON Web Tokens: signed and verified with one shared secret and exactly one algorithm.

PyJWT checks the signature; the claims are ours to check, because PyJWT reads the system's clock and this
program passes its clock in. No message repeats any part of a token: messages end up in logs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import jwt
import msgspec
from jwt.algorithms import HMACAlgorithm
from jwt.utils import force_bytes

from zena_sse.errors import ConfigurationError, InvalidPayload, Unauthenticated
from zena_sse.security.principal import USER_ID, Principal, Role, is_user_id
from zena_sse.settings import Settings

# A token is a few hundred bytes. Anyone may send one, so its length is judged before any work is done.
MAXIMUM_TOKEN_BYTES = 8192

HASHES = {
    "HS256": HMACAlgorithm.SHA256,
    "HS384": HMACAlgorithm.SHA384,
    "HS512": HMACAlgorithm.SHA512,
}

# An HMAC key shorter than the hash is the weakest part of the signature (RFC 7518, section 3.2).
LEAST_SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}

# How far an issuer's clock may be ahead of ours.
LEEWAY_SECONDS = 30.0

# At least so many tokens that were verified lately are remembered, at most twice as many: after a deploy all
# come back at once. A third of a KB each.
VERIFIED = 10_000

# The year 3000: no token needs more, and expiry plus any duration of ours is still a datetime.
LATEST = 32_503_680_000

# RFC 7519 allows fractions of a second here; no issuer needs them, and an integer has one meaning.
NumericDate = Annotated[int, msgspec.Meta(ge=0, le=LATEST)]


class _Claims(msgspec.Struct, frozen=True):
    """What a token must say (RFC 7519, section 4.1); claims that are not named here are ignored."""

    iss: str
    aud: str | list[str]
    sub: Annotated[str, msgspec.Meta(pattern=USER_ID)]
    exp: NumericDate
    iat: NumericDate
    nbf: NumericDate = 0
    role: str | None = None


class _KnownKey(HMACAlgorithm):
    """HMAC with a key that was judged at the start: to judge it again is a third of verifying a token."""

    def prepare_key(self, key: str | bytes) -> bytes:
        """As it is."""
        return force_bytes(key)


class Tokens:
    """Signs and verifies the tokens of one issuer for one audience."""

    def __init__(
        self,
        secret: str,
        algorithm: str,
        issuer: str,
        audience: str,
        *,
        clock: Callable[[], datetime],
        leeway_seconds: float = LEEWAY_SECONDS,
    ) -> None:
        """Raises `ConfigurationError` for a secret or an algorithm that will not do."""
        _check_secret(secret, algorithm)
        self._secret = secret
        self._algorithm = algorithm
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._leeway = leeway_seconds
        self._signatures = jwt.PyJWS([algorithm])
        self._signatures.unregister_algorithm(algorithm)
        self._signatures.register_algorithm(algorithm, _KnownKey(HASHES[algorithm]))
        self._claims = msgspec.json.Decoder(_Claims)
        # By digest. When the recent ones are many enough they become the older ones, and those go.
        self._recent: dict[bytes, Principal] = {}
        self._older: dict[bytes, Principal] = {}

    @classmethod
    def of(cls, settings: Settings, clock: Callable[[], datetime]) -> Tokens:
        """As the operator has set it. Raises `ConfigurationError`."""
        secret, algorithm = settings.require_jwt_secret(), settings.jwt_algorithm
        return cls(secret, algorithm, settings.jwt_issuer, settings.jwt_audience, clock=clock)

    def sign(self, user_id: str, role: Role, ttl: timedelta) -> str:
        """A token for this user, good for `ttl`. Raises `InvalidPayload` for what no token can say."""
        if not is_user_id(user_id):
            raise InvalidPayload("a user id has 1-64 of A-Z a-z 0-9 . _ @ : + | - and begins with no dot")
        now = self._clock().timestamp()
        expires = int(now + ttl.total_seconds())
        if not 0 <= expires <= LATEST:
            raise InvalidPayload("no token can have this lifetime")
        claims = _Claims(
            iss=self._issuer, aud=self._audience, sub=user_id, exp=expires, iat=int(now), role=role
        )
        return self._signatures.encode(msgspec.json.encode(claims), self._secret, self._algorithm)

    def verify(self, token: str) -> Principal:
        """The caller that this token stands for.

        `exp iat iss aud sub` are required, `nbf` and `role` are optional, an unknown role is an `agent`.
        `sub` has 1-64 of `A-Z a-z 0-9 . _ @ : + | -` and does not begin with a dot. Clocks that differ are
        allowed for in `iat` and `nbf`, or a fresh token could be refused. `exp` is exact: it is also when
        a stream of this caller ends, and a token has to mean the same to both.

        Raises `Unauthenticated`.
        """
        if len(token) > MAXIMUM_TOKEN_BYTES or not token.isascii():
            raise Unauthenticated("The token is malformed.")
        digest = hashlib.sha256(token.encode()).digest()
        principal = self._recent.get(digest) or self._older.get(digest)
        if principal is None or principal.expires_at <= self._clock():
            principal = self._verified_anew(token)
            self._remember(digest, principal)
        return principal

    def forget(self) -> None:
        """Verify every token anew: somebody's were revoked."""
        self._recent, self._older = {}, {}

    def _verified_anew(self, token: str) -> Principal:
        claims = self._decoded(self._signed_bytes(token))
        self._check(claims)
        return Principal(
            user_id=claims.sub,
            role=_known_role(claims.role),
            expires_at=datetime.fromtimestamp(claims.exp, UTC),
            how="bearer",
        )

    def _remember(self, digest: bytes, principal: Principal) -> None:
        if len(self._recent) >= VERIFIED:
            self._recent, self._older = {}, self._recent
        self._recent[digest] = principal

    def _signed_bytes(self, token: str) -> bytes:
        try:
            signed = self._signatures.decode_complete(token, self._secret, [self._algorithm])
        except jwt.InvalidAlgorithmError:
            raise Unauthenticated(f"The token must be signed with {self._algorithm}.") from None
        except jwt.InvalidSignatureError:
            raise Unauthenticated("The token's signature is wrong.") from None
        except jwt.PyJWTError:
            raise Unauthenticated("The token is malformed.") from None
        payload: bytes = signed["payload"]
        return payload

    def _decoded(self, payload: bytes) -> _Claims:
        try:
            return self._claims.decode(payload)
        except msgspec.ValidationError as error:
            # msgspec names the claim and what it should be, never what it is.
            raise Unauthenticated(f"The token's claims are wrong: {error}.") from None
        except (ValueError, RecursionError):
            raise Unauthenticated("The token is malformed.") from None

    def _check(self, claims: _Claims) -> None:
        now = self._clock().timestamp()
        if claims.iss != self._issuer:
            raise Unauthenticated("The token is from another issuer.")
        if self._audience not in ([claims.aud] if isinstance(claims.aud, str) else claims.aud):
            raise Unauthenticated("The token is for another audience.")
        if claims.exp <= now:
            raise Unauthenticated("The token has expired.")
        if max(claims.iat, claims.nbf) > now + self._leeway:
            raise Unauthenticated("The token is not valid yet.")


def _check_secret(secret: str, algorithm: str) -> None:
    least = LEAST_SECRET_BYTES.get(algorithm)
    if least is None:
        raise ConfigurationError(f"ZENA_JWT_ALGORITHM must be one of {', '.join(LEAST_SECRET_BYTES)}")
    if len(secret.encode()) < least:
        raise ConfigurationError(
            f"ZENA_JWT_SECRET has {len(secret.encode())} bytes, {algorithm} needs at least {least}; "
            f"make one with: openssl rand -hex {least}"
        )
    try:
        # Refuses a public key given by mistake: everybody has it, so everybody could sign.
        jwt.PyJWS([algorithm]).get_algorithm_by_name(algorithm).prepare_key(secret)
    except jwt.InvalidKeyError:
        raise ConfigurationError(
            "ZENA_JWT_SECRET must be a secret, this is a public or private key"
        ) from None


def _known_role(role: str | None) -> Role:
    """The least role for what we do not know: an issuer's own roles give no rights here."""
    match role:
        case "publisher" | "operator":
            return role
        case _:
            return "agent"
