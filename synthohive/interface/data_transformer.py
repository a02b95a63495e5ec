"""One table as codes and floats, and back: :class:`DataTransformer`."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
import pyarrow as pa

from synthohive.encoding.base import EncoderSettings
from synthohive.encoding.encoded import EncodedTable
from synthohive.encoding.table import TableEncoder
from synthohive.exceptions import SynthoHiveError
from synthohive.io.dataframe import FrameReader
from synthohive.io.frames import to_frame
from synthohive.privacy.detect import detect_pii
from synthohive.schema import Metadata, PrivacyConfig, TableConfig
from synthohive.tables import random_streams as seeds

__all__ = ["DataTransformer"]


class DataTransformer:
    """Encodes what a model sees of one table; keys and personal data are left out.

    Parameters
    ----------
    table : TableConfig
    privacy_config : PrivacyConfig, optional
        What fewer than `k_anonymity_threshold` rows share is not learned.
    embedding_threshold : int, default 50
        Blocks of more categories than this are marked to be embedded.

    Examples
    --------
    >>> import pandas as pd
    >>> from synthohive import DataTransformer, TableConfig
    >>> pets = pd.DataFrame({"id": range(60), "kind": ["cat", "dog", "dog"] * 20})
    >>> transformer = DataTransformer(TableConfig(name="pets", pk="id")).fit(pets)
    >>> encoded = transformer.transform(pets)
    >>> encoded.codes.shape, encoded.layout.discrete[0].column
    ((60, 1), 'kind')
    >>> transformer.inverse_transform(encoded)["kind"].equals(pets["kind"])
    True
    """

    encoder_: Optional[TableEncoder] = None

    def __init__(
        self,
        table: TableConfig,
        privacy_config: Optional[PrivacyConfig] = None,
        embedding_threshold: int = 50,
    ) -> None:
        self.table = table
        self.privacy_config = PrivacyConfig() if privacy_config is None else privacy_config
        self.embedding_threshold = embedding_threshold

    def fit(self, rows: Any, *, seed: int = 0) -> DataTransformer:
        """Learn how to encode each column of a DataFrame or Arrow table; return self."""
        reader, data = self._read(rows, self.table)
        self._form, self._described = reader.form(self.table.name), reader.metadata.tables
        config, privacy = self._described[self.table.name], self.privacy_config
        found = [f.column for f in detect_pii(config, data, privacy)]
        made = {c for c in found if privacy.strategy_of(self.table.name, c) != "keep"}
        out = {*self.table.key_columns, *made}
        self.encoder_ = TableEncoder.fit(
            data,
            {name: column for name, column in config.stored.items() if name not in out},
            seed=np.random.SeedSequence(seed),
            settings=EncoderSettings(
                k=privacy.k_anonymity_threshold,
                embedding_threshold=self.embedding_threshold,
                high_cardinality=frozenset(config.high_cardinality_cols),
            ),
        )
        return self

    def transform(self, rows: Any, *, seed: int = 0) -> EncodedTable:
        """Return rows as int32 codes and float32 values, shapes (rows, blocks of either)."""
        encoder = self._fitted()
        _, data = self._read(rows, self._described[self.table.name])
        columns = {n: data.column(n).cast(c.arrow_type) for n, c in encoder.columns.items()}
        return encoder.encode(pa.table(columns), seeds.generator(seed, "encode"))

    def inverse_transform(self, encoded: EncodedTable, *, seed: int = 0) -> Any:
        """Return a DataFrame with the dtypes of the one that was fitted."""
        rows = self._fitted().decode(encoded, seeds.generator(seed, "decode"))
        return to_frame(rows, self._form)

    def _fitted(self) -> TableEncoder:
        if self.encoder_ is None:
            raise SynthoHiveError("The transformer is not fitted.", hint="Call fit() first.")
        return self.encoder_

    @staticmethod
    def _read(rows: Any, table: TableConfig) -> tuple[FrameReader, pa.Table]:
        """Return rows with each column in its type; other tables are not asked for."""
        alone = Metadata(tables={table.name: table.model_copy(update={"foreign_keys": []})})
        reader = FrameReader({table.name: rows}, alone)
        return reader, pa.Table.from_batches(list(reader.read(table.name)))
