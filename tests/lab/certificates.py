"""Makes the certificates of the lab: an authority, server certificates for engines, client certificates for people."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Certificates need dates; fixed ones make a lab independent of the clock, except for what is to be expired.
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
END = datetime(2120, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A certificate with its key, and the authority to trust, each as PEM text."""

    ca: str
    certificate: str
    key: str

    def write(self, folder: Path, owner: tuple[int, int]) -> Credentials:
        """Put ca.pem, cert.pem and key.pem into `folder` for this uid and gid; the key is readable by them alone."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (("ca.pem", self.ca), ("cert.pem", self.certificate), ("key.pem", self.key)):
            file = folder / name
            file.touch(mode=0o600)
            os.chown(file, *owner)
            file.write_text(text)
        return self

    @classmethod
    def read(cls, folder: Path) -> Credentials:
        """Read what `write` has written."""
        return cls(*((folder / name).read_text() for name in ("ca.pem", "cert.pem", "key.pem")))


class Authority:
    """A certificate authority with a key of its own."""

    def __init__(self, name: str = "Lab authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        self._certificate = (
            self._builder(self._name, self._key, BEGIN, END)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> str:
        """The authority's certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def server(self, name: str, *addresses: str, end: datetime = END, key: str = "") -> Credentials:
        """A server certificate for these addresses (IP addresses or host names), for a new key or for this PEM text."""
        return self._issue(name, addresses, ExtendedKeyUsageOID.SERVER_AUTH, end, key)

    def client(self, name: str, *, end: datetime = END) -> Credentials:
        """A client certificate; `end` may be long ago, for one that is expired."""
        return self._issue(name, (), ExtendedKeyUsageOID.CLIENT_AUTH, end)

    def _issue(
        self, name: str, addresses: tuple[str, ...], purpose: x509.ObjectIdentifier, end: datetime, pem: str = ""
    ) -> Credentials:
        key = _key(pem) if pem else ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        begin = min(BEGIN, end - timedelta(days=1))
        builder = (
            self._builder(subject, key, begin, end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        )
        if addresses:
            names = x509.SubjectAlternativeName([_general(address) for address in addresses])
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Credentials(
            ca=self.pem,
            certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(),
            key=private.decode(),
        )

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, begin: datetime, end: datetime
    ) -> x509.CertificateBuilder:
        identifier = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        )


def _key(pem: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def _general(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(address)
