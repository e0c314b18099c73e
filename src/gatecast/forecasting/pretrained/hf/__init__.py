"""The high-frequency network: daily series to minutes, seasons from 5 steps on."""
