"""Macro-to-micro transformation: macro-expressions, mapped to micro-expressions by singular value decomposition."""
