"""A small certificate authority for TLS tests, made with the openssl command."""
import pathlib
import subprocess


def _openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)


class Authority:
    """Makes a CA in folder; issue() makes NAME.key and NAME.crt beside it."""

    def __init__(self, folder: pathlib.Path, name: str = "ca"):
        self.folder = pathlib.Path(folder)
        self.key = self.folder / f"{name}.key"
        self.cert = self.folder / f"{name}.crt"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", self.key,
                 # Python 3.13 asks for it (RFC 5280, 4.2.1.3).
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", self.cert)

    def issue(self, name: str):
        key, request = self.folder / f"{name}.key", self.folder / f"{name}.csr"
        cert, extra = self.folder / f"{name}.crt", self.folder / f"{name}.ext"
        extra.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n"
                         "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key,
                 "-CAcreateserial", "-days", "2", "-extfile", extra, "-out", cert)
        return cert, key
