"""The high-frequency network: daily series to minutes, seasons from 7 steps on."""
